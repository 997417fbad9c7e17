"""The deliverer against a scripted HubSpot, in virtual time: hours of trouble cost milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from domain.batch_answers import BatchAnswer, Found
from domain.quota import Quota, QuotaPolicy
from runtime.lease import Lease
from runtime.metrics import Metrics
from schemas.changes import Change
from schemas.marks import Trigger
from schemas.outcomes import Outcome
from sinks.hubspot.admission import Arrival
from sinks.hubspot.deliverer import Deliverer
from sinks.hubspot.lanes import Gathering, Lanes, Work
from sinks.hubspot.memory import Memory
from sinks.hubspot.portal import Portal

Script = Callable[[str, list[str]], BatchAnswer | Exception]


class VirtualSelector(selectors.DefaultSelector):
    """Never waits: the time that should pass is added to `now`."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.virtual = VirtualSelector()
        super().__init__(self.virtual)

    def time(self) -> float:
        return self.virtual.now


class ScriptedHubSpot:
    """Answers by script, else does what is asked; keeps what was called, and when."""

    def __init__(self, latency: float = 0.1) -> None:
        self.script: Script = lambda call, keys: BatchAnswer(status=200)
        self.scripted = False
        self.latency = latency
        self.calls: list[tuple[float, str, list[str]]] = []

    async def account(self) -> Any:
        return type("Account", (), {"portal_id": 1, "utc_offset_ms": 0})

    async def batch_update(self, inputs: Sequence[tuple[str, str, Mapping[str, str]]]) -> BatchAnswer:
        return await self._answer("update", [record for record, _, _ in inputs], [trace for _, trace, _ in inputs])

    async def batch_create(self, inputs: Sequence[tuple[str, Mapping[str, str]]]) -> BatchAnswer:
        return await self._answer("create", [given["line_user_id_1"] for _, given in inputs], [t for t, _ in inputs])

    async def batch_read(
        self, keys: Sequence[str], properties: Iterable[str], *, archived: bool = False, id_property: str | None = None
    ) -> BatchAnswer:
        return await self._answer("archived" if archived else "read", list(keys), list(keys))

    async def _answer(self, call: str, keys: list[str], traces: list[str]) -> BatchAnswer:
        self.calls.append((asyncio.get_running_loop().time(), call, keys))
        await asyncio.sleep(self.latency)
        if self.scripted:
            answer = self.script(call, keys)
            if isinstance(answer, Exception):
                raise answer
            if answer.found or answer.errors:
                return answer
        found = tuple(Found(id=key.removeprefix("U"), trace=t) for key, t in zip(keys, traces, strict=True))
        return BatchAnswer(status=200, found=found[::-1])


class Bench:
    """A deliverer with everything around it."""

    def __init__(self, **given: Any) -> None:
        loop = asyncio.get_running_loop()
        self.hubspot = given.pop("hubspot", None) or ScriptedHubSpot()
        self.outcomes: list[Outcome] = []
        self.published = asyncio.Event()
        self.lease_held = True
        self.ensured: list[frozenset[int]] = []
        self.metrics = Metrics("hubspot")
        self.removed: frozenset[int] = frozenset()
        lease = Lease(6, now=lambda: 0.0 if self.lease_held else 100.0)
        lease.renew(0.0)
        self.deliverer = Deliverer(
            portal=Portal(
                self.hubspot, check_portal=self._check, ensure_properties=self._ensure, removed=lambda: self.removed
            ),
            lanes=Lanes(Gathering()),
            quota=Quota(given.pop("quota", None) or QuotaPolicy(limit=1000, burst=1000)),
            lease=lease,
            memory=Memory(),
            metrics=self.metrics,
            publish=self._publish,
            monotonic=loop.time,
            now_ms=lambda: int(loop.time() * 1000) + 10_000_000,
            chance=lambda: 0.5,
        )
        self.deliverer.resume(generation=3, share=1.0)
        self.task = loop.create_task(self.deliverer.run())

    def send(self, numbers: Iterable[int], *, contact: bool = False, revision: int = 1) -> None:
        self.deliverer.admit([arrival(number, contact=contact, revision=revision) for number in numbers])

    def send_as(self, friend: str, *, record: str) -> None:
        """A change of this friend for a known record."""
        given = arrival(int(record), contact=True)
        change = replace(given.change, friend=friend, email=f"{friend}@line.me")
        self.deliverer.admit([Arrival(partition=0, offset=int(friend.removeprefix("U")), change=change)])

    async def until(self, outcomes: int, seconds: float = 3600.0) -> None:
        async with asyncio.timeout(seconds):
            while len(self.outcomes) < outcomes:
                self.published.clear()
                news = asyncio.create_task(self.published.wait())
                await asyncio.wait([news, self.task], return_when=asyncio.FIRST_COMPLETED)
                if self.task.done():
                    self.task.result()

    async def _publish(self, answered: Sequence[tuple[Work, Outcome]]) -> None:
        await asyncio.sleep(0.01)
        self.outcomes += [outcome for _work, outcome in answered]
        self.published.set()

    async def _check(self, portal_id: int) -> None:
        assert portal_id == 1

    async def _ensure(self, numbers: frozenset[int]) -> None:
        self.ensured.append(numbers)


def arrival(number: int, *, contact: bool, revision: int = 1) -> Arrival:
    friend = f"U{number}"
    change = Change(
        friend=friend,
        revision=revision,
        digest=f"d{revision}",
        emitted_at=0,
        contact=str(number) if contact else None,
        confirmed_at=9_000_000 if contact else None,
        may_create=None if contact else Trigger(id="e", at=1, kind="follow"),
        email=f"{friend}@line.me",
        properties={"line_user_id_1": friend, "line_follow_1": "true"},
        causes=(),
        more_causes=0,
    )
    return Arrival(partition=0, offset=number, change=change)


def virtually(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story in virtual time, and end what it started."""

    async def run() -> None:
        try:
            await story()
        finally:
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())


def scripted(script: Script) -> ScriptedHubSpot:
    hubspot = ScriptedHubSpot()
    hubspot.script, hubspot.scripted = script, True
    return hubspot


def failing(*troubles: Exception, call: str = "create") -> Script:
    """The first calls of this name fail so, one after the other."""
    left = list(troubles)

    def answer(name: str, keys: list[str]) -> BatchAnswer | Exception:
        return left.pop(0) if name == call and left else BatchAnswer(status=200)

    return answer
