"""The deliverer against a scripted HubSpot, in virtual time: hours of trouble cost milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest

from clients.hubspot.troubles import HubSpotTrouble, RateLimited, Refused, ServerTrouble, TimedOut, Unauthorized
from domain.batch_answers import BatchAnswer, Found, ItemError
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
            quota=Quota(QuotaPolicy(limit=1000, burst=1000)),
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


def test_a_quiet_change_is_written_within_a_quarter_of_a_second() -> None:
    """One period of waiting, then the call."""

    async def story() -> None:
        bench = Bench()
        bench.send([1])
        await bench.until(1)
        assert bench.hubspot.calls[0][0] <= 0.25
        assert [(one.result, one.contact, one.generation) for one in bench.outcomes] == [("created", "1", 3)]

    virtually(story)


def test_answers_in_another_order_reach_their_friends() -> None:
    """The scripted HubSpot answers backwards."""

    async def story() -> None:
        bench = Bench()
        bench.send(range(100))
        await bench.until(100)
        assert {one.friend: one.contact for one in bench.outcomes} == {f"U{n}": str(n) for n in range(100)}

    virtually(story)


@pytest.mark.parametrize(
    "trouble",
    [
        TimedOut("slow"),
        ServerTrouble(502),
        Unauthorized("no"),
        RateLimited("TEN_SECONDLY_ROLLING", None),
        RateLimited("DAILY", None),
        ServerTrouble(477, 3600.0),
    ],
)
def test_trouble_of_the_portal_is_waited_out(trouble: HubSpotTrouble) -> None:
    """Thirty failures in a row, for hours: paused with the reason, the same batch again, nobody parked."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(*[trouble] * 30)))
        bench.send(range(5))
        await asyncio.sleep(20)
        paused = bench.deliverer.gate.paused
        assert paused is not None
        assert paused.code == trouble.code
        await bench.until(5, 40 * 3600)
        assert bench.deliverer.gate.paused is None
        assert [one.result for one in bench.outcomes] == ["created"] * 5
        assert len(bench.hubspot.calls) == 31

    virtually(story)


def test_only_one_call_knocks_while_the_portal_is_in_trouble() -> None:
    """A thousand waiting changes do not storm a HubSpot that is down."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(*[ServerTrouble(503)] * 40)))
        bench.send(range(1000))
        await asyncio.sleep(300)
        assert len(bench.hubspot.calls) <= 10 + 300 / 24 + 8  # the first ones were in flight together
        await bench.until(1000, 40 * 3600)

    virtually(story)


def test_a_batch_that_fails_while_others_succeed_is_taken_apart() -> None:
    """One friend makes HubSpot stumble: it is parked in the end, and all others are written."""

    def stumbling(call: str, keys: list[str]) -> BatchAnswer | Exception:
        return ServerTrouble(500) if "U13" in keys else BatchAnswer(status=200)

    async def story() -> None:
        bench = Bench(hubspot=scripted(stumbling))
        bench.send(range(100))
        for number in range(1000, 3000):
            bench.send([number])
            await asyncio.sleep(1)
        await bench.until(2100)
        ended = {one.friend: one.result for one in bench.outcomes}
        assert ended.pop("U13") == "parked"
        assert set(ended.values()) == {"created"}

    virtually(story)


def test_a_refused_batch_is_bisected() -> None:
    """99 of 100 land with at most 14 calls more than one."""

    def refusing(call: str, keys: list[str]) -> BatchAnswer | Exception:
        error = ItemError(category="VALIDATION_ERROR", codes=("INVALID_OPTION",), properties=("line_follow_1",))
        return Refused(BatchAnswer(status=400, errors=(error,))) if "U13" in keys else BatchAnswer(status=200)

    async def story() -> None:
        bench = Bench(hubspot=scripted(refusing))
        bench.send(range(100))
        await bench.until(100)
        assert [one.friend for one in bench.outcomes if one.result == "rejected"] == ["U13"]
        assert len(bench.hubspot.calls) <= 15

    virtually(story)


def test_a_missing_property_is_ensured_and_the_batch_repeated() -> None:
    """Nobody is rejected; of a removed connection the values are left out instead."""

    def missing(call: str, keys: list[str]) -> BatchAnswer | Exception:
        error = ItemError(codes=("PROPERTY_DOESNT_EXIST",), properties=("line_follow_1",))
        return (
            Refused(BatchAnswer(status=400, errors=(error,)))
            if len(bench.hubspot.calls) < 3
            else BatchAnswer(status=200)
        )

    async def story() -> None:
        nonlocal bench
        bench = Bench(hubspot=scripted(missing))
        bench.send(range(10))
        await bench.until(10)
        assert bench.ensured == [frozenset({1}), frozenset({1})]
        assert [one.result for one in bench.outcomes] == ["created"] * 10

    bench: Bench
    virtually(story)


def test_no_call_without_the_lease() -> None:
    """Who may have lost the partition does not write; when the lease is back, it goes on."""

    async def story() -> None:
        bench = Bench()
        bench.lease_held = False
        bench.send([1])
        await asyncio.sleep(60)
        assert bench.hubspot.calls == []
        bench.lease_held = True
        await bench.until(1)

    virtually(story)


def test_draining_finishes_what_is_in_flight_and_forgets_the_rest() -> None:
    """The answered call is published; what had not been sent is not sent by this owner any more."""

    async def story() -> None:
        bench = Bench(hubspot=ScriptedHubSpot(latency=1.0))
        bench.send(range(100))
        await asyncio.sleep(0.5)
        bench.send(range(200, 230))
        await bench.deliverer.drain(5.0)
        assert len(bench.outcomes) == 100
        await asyncio.sleep(60)
        assert len(bench.hubspot.calls) == 1
        assert len(bench.deliverer) == 0

    virtually(story)


def test_draining_abandons_what_takes_too_long() -> None:
    """No outcome is published for a partition that was given up."""

    async def story() -> None:
        bench = Bench(hubspot=ScriptedHubSpot(latency=30.0))
        bench.send(range(100))
        await asyncio.sleep(0.5)
        await bench.deliverer.drain(5.0)
        await asyncio.sleep(60)
        assert bench.outcomes == []
        bench.deliverer.resume(generation=4, share=0.5)
        bench.send([1])
        await bench.until(1)
        assert bench.outcomes[0].generation == 4

    virtually(story)


def test_later_changes_of_a_friend_use_what_the_first_one_made() -> None:
    """The second change has no id, for the fold did not know it yet: the memory does."""

    async def story() -> None:
        bench = Bench()
        bench.deliverer.admit([arrival(5, contact=False, revision=n) for n in (1, 2)])
        await bench.until(2)
        assert [(call, keys) for _, call, keys in bench.hubspot.calls] == [("create", ["U5"]), ("update", ["5"])]
        assert [one.result for one in bench.outcomes] == ["created", "updated"]

    virtually(story)


def test_missing_records_of_one_batch_are_looked_up_together() -> None:
    """100 updates, 30 deleted: one look, one look into the bin, and 30 are gone."""

    def some_deleted(call: str, keys: list[str]) -> BatchAnswer | Exception:
        gone = tuple(key for key in keys if int(key) < 30)
        if call == "archived":
            return BatchAnswer(status=200, found=tuple(Found(id=key, archived_at=5) for key in keys))
        error = ItemError(category="OBJECT_NOT_FOUND", ids=gone)
        return BatchAnswer(status=207, found=tuple(Found(id=k) for k in keys if k not in gone), errors=(error,))

    async def story() -> None:
        bench = Bench(hubspot=scripted(some_deleted))
        bench.send(range(100), contact=True)
        await bench.until(100)
        assert sum(one.result == "gone" for one in bench.outcomes) == 30
        assert [call for _, call, _ in bench.hubspot.calls] == ["update", "read", "archived"]

    virtually(story)


def test_an_unexpected_error_ends_the_deliverer() -> None:
    """A bug is not waited out: the process ends before anything is committed, and is restarted."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(RuntimeError("a bug"))))
        bench.send([1])
        with pytest.raises(RuntimeError, match="a bug"):
            await bench.until(1)

    virtually(story)
