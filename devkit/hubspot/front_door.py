"""The way of one request through HubSpot, without a socket: route, fault, token, limits, call, log.

Pure but for what it remembers: `now` comes in, and what should happen to the connection goes out in the reply, so
simulations in virtual time use it as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

import orjson

from devkit.clock import Random, new_id
from devkit.hubspot.account import Account
from devkit.hubspot.answers import Answer, Refusal, error, malformed
from devkit.hubspot.call import Call
from devkit.hubspot.call_log import CallLog, Entry, named_ids, written_ids
from devkit.hubspot.faults import JSON, Fault, Faults, scripted
from devkit.hubspot.routing import Match, resolve

_WRITES = ("create", "update", "upsert", "merge")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: `path` still percent-encoded, `query` without the question mark."""

    method: str
    path: str
    query: str = ""
    authorization: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the caller gets after `delay_ms`: an answer, or (`answered` False) a closed connection.

    `late` carries the call out once `late_ms` have passed; its argument is the time then.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_ms: int = 0
    answered: bool = True
    late: Callable[[int], None] | None = None
    late_ms: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """A request on its way, with what was found out about it."""

    request: Request
    match: Match | None
    name: str
    correlation: str
    fault: Fault | None


class FrontDoor:
    """Takes the requests of one account."""

    def __init__(self, account: Account, random: Random) -> None:
        self.account = account
        self.faults = Faults(random)
        self.log = CallLog()
        self._random = random

    def handle(self, request: Request, now: int) -> Reply:
        """Return the reply to a request at `now` (ms)."""
        self.account.portal.advance(now)
        match = resolve(request.method, request.path)
        name = match.route.name if match and match.route else "unknown"
        fault = self.faults.take(name, request.path, request.body)
        passage = Passage(request, match, name, new_id(self._random), fault)
        entry = _entry(passage, now)
        if fault is None:
            reply = _answered(self._apply(passage, entry, now), passage.correlation)
        else:
            reply = self._troubled(passage, fault, entry, now)
        entry.status = reply.status
        self.log.add(entry)
        delay = self.faults.delay(name)
        return replace(reply, delay_ms=reply.delay_ms + delay) if delay else reply

    def _troubled(self, passage: Passage, fault: Fault, entry: Entry, now: int) -> Reply:
        if fault.effect.startswith("apply-then"):
            self._apply(passage, entry, now)
        if fault.effect in ("answer", "apply-then-answer"):
            headers, body = scripted(fault, passage.correlation)
            return Reply(fault.status, {"X-HubSpot-Correlation-Id": passage.correlation, **headers}, body)
        if fault.effect == "apply-late":
            return Reply(answered=False, late=self._later(passage, entry), late_ms=fault.delay_ms)
        holds = fault.effect.endswith("timeout")
        return Reply(answered=False, delay_ms=fault.delay_ms if holds else 0)

    def _later(self, passage: Passage, entry: Entry) -> Callable[[int], None]:
        def carry_out(now: int) -> None:
            self.account.portal.advance(now)
            self._apply(passage, entry, now)

        return carry_out

    def _apply(self, passage: Passage, entry: Entry, now: int) -> Answer:
        answer = self._carried_out(passage, now)
        entry.applied = answer.status < 300
        if entry.applied and entry.call.rpartition("/")[2] in _WRITES:
            entry.written = written_ids(answer.body)
        return answer

    def _carried_out(self, passage: Passage, now: int) -> Answer:
        request, match = passage.request, passage.match
        headers: dict[str, str] = {}
        try:
            if match is None:
                raise error(404, "OBJECT_NOT_FOUND", f"Unable to find a resource at {request.path}")
            if match.route is None:
                raise error(405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed at {request.path}")
            if not match.route.open:
                grant = self.account.access.admit(request.authorization, match.route.scopes)
                headers = self.account.quota.admit(grant.token, now, search=match.route.name == "search")
            query = parse_qs(request.query, keep_blank_values=True)
            answer = match.route.handler(self.account, Call(now, match.params, query, parsed(request.body)))
        except Refusal as refusal:
            answer = refusal.answer(passage.correlation)
        return replace(answer, headers={**headers, **answer.headers})


def parsed(body: bytes) -> Any:
    """Return the JSON of a body, None when it is empty; raises the 400 when it is no JSON."""
    if not body.strip():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise malformed(str(problem)) from None


def _entry(passage: Passage, now: int) -> Entry:
    request, match = passage.request, passage.match
    try:
        body = parsed(request.body)
    except Refusal:
        body = None
    ids, traces = named_ids(match.params if match else (), body)
    return Entry(
        at=now,
        call=passage.name,
        method=request.method,
        path=request.path,
        correlation=passage.correlation,
        fault=passage.fault.effect if passage.fault else "",
        ids=ids,
        traces=traces,
    )


def _answered(answer: Answer, correlation: str) -> Reply:
    headers = {"X-HubSpot-Correlation-Id": correlation, **answer.headers}
    if answer.body is None:
        return Reply(answer.status, headers)
    return Reply(answer.status, {"Content-Type": JSON, **headers}, orjson.dumps(answer.body))
