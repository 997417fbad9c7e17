"""The simulated HubSpot behind our real client: devkit's portal at its front door, without a socket, in virtual time.

Law: a request that has left arrives, whatever becomes of who sent it; an answer may come never, late, or with parts
left out. Nothing here knows our client or our sink: it takes bytes and gives bytes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson

from devkit.hubspot import FrontDoor, PortalOptions, Reply, Request
from devkit.hubspot.account import Account
from devkit.hubspot.faults import Fault, Latency
from devkit.hubspot.people import People
from tests.simulation.virtual_time import PROCESS, Process, VirtualClock, VirtualLoop

TOKEN = "pat-simulated"
URL = "http://hubspot.simulated"
_TIMEOUT = 15.0

Arrived = Callable[[bytes, "Process | None", str], None]  # body, who sent it, the fault it met


@dataclass
class Spoiler:
    """What is spoiled in the next answers, beyond what devkit's faults do: how often each is still to come."""

    orders: Counter[str] = field(default_factory=Counter)

    def take(self, name: str) -> bool:
        if self.orders[name] <= 0:
            return False
        self.orders[name] -= 1
        return True


class HubSpotWorld:
    """One portal, its front door, the people in it."""

    def __init__(self, loop: VirtualLoop, clock: VirtualClock, random: Random, options: Mapping[str, Any]) -> None:
        self.loop, self.clock, self.random = loop, clock, random
        self.account = Account(TOKEN, PortalOptions(**options), seed=random.randrange(1 << 30))
        self.portal = self.account.portal
        self.people = People(self.account, clock.now_ms)
        self.door = FrontDoor(self.account, random)
        self.spoiler = Spoiler()
        self.arrived: Arrived = lambda _body, _process, _fault: None
        self.before: Arrived = lambda _body, _process, _fault: None
        self.happened: Counter[str] = Counter()
        self.seen = 0

    def order(self, **given: Any) -> None:
        """Trouble for the next calls, as devkit's faults name it."""
        self.door.faults.order(Fault(**given))

    def slow_down(self, fixed_ms: int, random_ms: int) -> None:
        self.door.faults.latencies.append(Latency(fixed_ms=fixed_ms, random_ms=random_ms))

    def calm_down(self) -> None:
        """No trouble any more, but what was decided stays decided."""
        self.door.faults.clear()
        self.spoiler.orders.clear()
        self.account.access.restore()
        for scope in ("crm.objects.contacts.write", "crm.objects.contacts.read", "crm.schemas.contacts.write"):
            self.account.access.grant_scope(scope)

    def handle(self, request: Request, process: Process | None, name: str) -> Reply:
        """A request arrives."""
        body = request.body
        self.before(body, process, name)
        request = self._robbed(request, name)
        reply = self.door.handle(request, self.clock.now_ms())
        entry = self.door.log.entries[-1]
        fault = self._name_of(entry.fault, reply)
        if fault:
            self.happened[fault] += 1
        self.arrived(body, process, fault)
        if reply.late is not None:
            self.loop.outside(reply.late_ms / 1000, self._late, reply.late, body, process)
        return self._spoiled(reply, name)

    def _late(self, carry_out: Callable[[int], None], body: bytes, process: Process | None) -> None:
        self.before(body, process, "late")
        carry_out(self.clock.now_ms())
        self.arrived(body, process, "apply-late")

    def _name_of(self, fault: str, reply: Reply) -> str:
        if fault in ("answer", "apply-then-answer"):
            return f"{reply.status}" if fault == "answer" else f"{reply.status} after it was done"
        if fault:
            return fault
        return {429: "429", 401: "401", 403: "403", 400: "400", 207: "207"}.get(reply.status, "")

    def _robbed(self, request: Request, name: str) -> Request:
        """Without trace ids HubSpot refuses a whole batch for one bad item."""
        if name not in ("batch/create", "batch/update") or not self.spoiler.take("untraced"):
            return request
        self.happened["whole batch judged at once"] += 1
        body = orjson.loads(request.body)
        for given in body["inputs"]:
            given.pop("objectWriteTraceId", None)
        return Request(request.method, request.path, request.query, request.authorization, orjson.dumps(body))

    def _spoiled(self, reply: Reply, name: str) -> Reply:
        if not reply.answered or not name.startswith("batch/") or not 200 <= reply.status < 300:
            return reply
        body = orjson.loads(reply.body)
        if body.get("results") and self.spoiler.take("omit"):
            body["results"].pop(self.random.randrange(len(body["results"])))
            self.happened["a result left out"] += 1
        elif body.get("results") and self.spoiler.take("hollow"):
            body["results"], body["errors"] = [], []
            self.happened["an empty answer"] += 1
        elif body.get("errors") and self.spoiler.take("unnamed"):
            for error in body["errors"]:
                error.get("context", {}).pop("objectWriteTraceId", None)
                error.get("context", {})["ids"] = [""]
            self.happened["an error that names nobody"] += 1
        else:
            return reply
        return Reply(reply.status, reply.headers, orjson.dumps(body), reply.delay_ms)


class SimulatedSession:
    """What our client uses of aiohttp.ClientSession."""

    def __init__(self, hubspot: HubSpotWorld) -> None:
        self._hubspot = hubspot

    def request(
        self,
        method: str,
        url: str,
        *,
        data: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        allow_redirects: bool = False,
    ) -> _Exchange:
        parts = urlsplit(url)
        query = "&".join(part for part in (parts.query, urlencode(params or {})) if part)
        asked = Request(method, parts.path, query, (headers or {}).get("Authorization", ""), data or b"")
        return _Exchange(self._hubspot, asked)


class _Exchange:
    def __init__(self, hubspot: HubSpotWorld, request: Request) -> None:
        self._hubspot, self._request = hubspot, request
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._body = b""

    async def __aenter__(self) -> _Exchange:
        hubspot = self._hubspot
        answered: asyncio.Future[Reply] = hubspot.loop.create_future()
        hubspot.loop.outside(hubspot.random.uniform(0.01, 0.08), self._arrive, answered, PROCESS.get())
        async with asyncio.timeout(_TIMEOUT):
            reply = await answered
        if not reply.answered:
            raise aiohttp.ServerDisconnectedError
        self.status, self.headers, self._body = reply.status, reply.headers, reply.body
        return self

    async def __aexit__(self, *_error: object) -> None:
        return

    async def read(self) -> bytes:
        return self._body

    def _arrive(self, answered: asyncio.Future[Reply], process: Process | None) -> None:
        hubspot = self._hubspot
        name = "batch/" + self._request.path.rpartition("/")[2] if "/batch/" in self._request.path else ""
        reply = hubspot.handle(self._request, process, name)
        delay = reply.delay_ms / 1000 + hubspot.random.uniform(0.02, 0.2)
        hubspot.loop.outside(delay, _answer, answered, reply)


def _answer(answered: asyncio.Future[Reply], reply: Reply) -> None:
    if not answered.done():
        answered.set_result(reply)
