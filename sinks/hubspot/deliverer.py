"""Takes changes to their contacts: batches, calls, answers, outcomes.

Law: before each call the lease; after it the outcomes, published and awaited; nothing is written for a change after its
outcome. One change per friend and one call per record at a time. Trouble of the portal keeps everything where it is;
trouble of one item ends, so that no partition waits for one friend.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from clients.hubspot.troubles import HubSpotTrouble, Refused
from domain.batch_answers import BatchAnswer, ItemAnswer
from domain.delivery import CALLS, Finished, begin, outcome_of, refused_too_often
from domain.quota import Quota
from domain.retry import ITEM_TRIES, PORTAL, REJECTIONS
from runtime.lease import Lease
from runtime.metrics import Metrics
from schemas.outcomes import Outcome
from sinks.hubspot.admission import Admission, Arrival
from sinks.hubspot.calls import ContactCalls, ask
from sinks.hubspot.gate import Gate
from sinks.hubspot.lanes import Group, Lanes, Work
from sinks.hubspot.memory import Memory
from sinks.hubspot.portal import Portal
from sinks.hubspot.rejections import RejectionBudget
from sinks.hubspot.settling import Settled, may_miss_ours, settle

MAX_IN_FLIGHT = 10
_LOOK_AGAIN = 0.1
_CANCEL_SECONDS = 1.0
_POISON_FAILURES = 3
_WITNESSES = 3  # calls that succeeded meanwhile, for each failure of a batch, before the batch itself is suspected
_OTHERS_FIRST = 1.25  # other changes knock before the batch that failed: their success tells whose fault it was

Publish = Callable[[Sequence[tuple[Work, Outcome]]], Awaitable[None]]


class Deliverer:
    """The changes of the owned partitions on their way; `publish` appends outcomes and commits."""

    def __init__(
        self,
        *,
        portal: Portal,
        lanes: Lanes,
        quota: Quota,
        lease: Lease,
        memory: Memory,
        metrics: Metrics,
        publish: Publish,
        monotonic: Callable[[], float],
        now_ms: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        self._portal, self._lanes, self._quota, self._lease = portal, lanes, quota, lease
        self._memory, self._metrics, self._publish = memory, metrics, publish
        self._monotonic, self._now_ms, self._chance = monotonic, now_ms, chance
        self.gate = Gate(metrics, portal.held)
        self.share = 1.0
        self.generation = 0
        self._admission = Admission()
        self._budget = RejectionBudget()
        self._flights: set[asyncio.Task[None]] = set()
        self._busy: set[str] = set()
        self._successes = 0
        self._draining = False
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None

    def __len__(self) -> int:
        return len(self._admission)

    @property
    def rejections_left(self) -> int:
        """How many further friends HubSpot may reject before that counts as our bug."""
        return self._budget.left

    def admit(self, arrivals: Sequence[Arrival]) -> None:
        """Take changes in, in the order of their offsets."""
        for arrival in arrivals:
            if self._admission.admit(arrival):
                self._begin(arrival)
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; raises what ended a call unexpectedly."""
        while True:
            self._wake.clear()
            if self._failure is not None:
                raise self._failure
            wait = self._dispatch()
            self._show()
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def drain(self, seconds: float) -> None:
        """Start nothing new, let the calls in flight finish within `seconds`, abandon the rest and forget all."""
        self._draining = True
        if self._flights:
            _done, late = await asyncio.wait(set(self._flights), timeout=seconds)
            for flight in late:
                flight.cancel()
            if late:
                await asyncio.wait(late, timeout=_CANCEL_SECONDS)
        self._lanes.clear()
        self._admission.clear()
        self._busy.clear()

    def resume(self, *, generation: int, share: float) -> None:
        """Go on after `drain`, as the owner of this share of the partitions."""
        self.generation, self.share = generation, share
        self._draining = False
        self._wake.set()

    def _begin(self, arrival: Arrival) -> None:
        if self._draining:
            return
        started = begin(arrival.change, self._memory.of(arrival.change.friend))
        delivery = started.delivery if isinstance(started, Finished) else started
        now, age = self._monotonic(), max(0.0, (self._now_ms() - arrival.change.emitted_at) / 1000)
        work = Work(
            partition=arrival.partition, offset=arrival.offset, delivery=delivery, written_at=now - age, since=now
        )
        if isinstance(started, Finished):
            self._start(self._finish([(work, started)], status=0, correlation=None))
        else:
            self._lanes.enter(work, now)

    def _dispatch(self) -> float | None:
        """Start every call that may be made now; seconds until more may be, None until something happens."""
        while not self._draining:
            now = self._monotonic()
            most = 1 if self.gate.paused is not None or not self._portal.ready else MAX_IN_FLIGHT
            if len(self._flights) >= most:
                return None
            if not self._lease.held():
                return _LOOK_AGAIN
            if wait := self.gate.wait(now) or self._quota.wait(now, share=self.share):
                return wait
            if not self._portal.ready:
                ticket = self._quota.sent(now)
                self._start(self._prepare(ticket), ticket)
                continue
            group = self._lanes.take(now, self._busy)
            if group is None:
                due = self._lanes.due_in(now)
                return None if due is None else max(due, 0.01)
            # Counted and kept from others here: the flight itself begins only when this loop has ended.
            self._busy |= {work.key for work in group.works}
            ticket = self._quota.sent(now)
            self._start(self._fly(group, self._portal.api, ticket), ticket)
        return None

    def _start(self, flight: Awaitable[None], ticket: int | None = None) -> None:
        async def watched() -> None:
            try:
                await flight
            except Exception as failure:
                self._failure = failure

        task = asyncio.get_running_loop().create_task(watched(), name="hubspot call")
        self._flights.add(task)

        def landed(task: asyncio.Task[None]) -> None:
            self._flights.discard(task)
            if ticket is not None:
                self._quota.answered(ticket, self._monotonic())
            self._wake.set()

        task.add_done_callback(landed)

    async def _prepare(self, ticket: int) -> None:
        try:
            await self._portal.prepare()
            self.gate.eased(now=self._monotonic())
        except HubSpotTrouble as trouble:
            self._note_trouble(trouble)
        except Refused as refused:
            self._note_trouble(self._portal.cannot_prepare(refused))
        finally:
            self._quota.answered(ticket, self._monotonic())

    async def _fly(self, group: Group, api: ContactCalls, ticket: int) -> None:
        keys = {work.key for work in group.works}
        name = CALLS[group.step]
        try:
            ended = await self._call(group, api, ticket)
            if isinstance(ended, HubSpotTrouble):
                self._metrics.call(name, ended.code)
                await self._troubled(group, ended)
            elif isinstance(ended, BatchAnswer):
                self._metrics.call(name, ended.status)
                await self._refused(group, ended)
            else:
                answer, items = ended
                self._metrics.call(name, answer.status)
                await self._answered(group.works, items, answer)
        finally:
            self._busy -= keys

    async def _call(
        self, group: Group, api: ContactCalls, ticket: int
    ) -> tuple[BatchAnswer, list[ItemAnswer]] | BatchAnswer | HubSpotTrouble:
        """The answer and its parts; the answer alone when the whole call is refused; the trouble."""
        limits = None
        try:
            answer, items = await ask(api, [work.delivery for work in group.works])
            limits = answer.limits
        except Refused as refused:
            limits = refused.answer.limits
            return refused.answer
        except HubSpotTrouble as trouble:
            limits = trouble.limits
            return trouble
        finally:
            self._quota.answered(ticket, self._monotonic(), limits)
        return answer, items

    async def _answered(self, works: Sequence[Work], items: Sequence[ItemAnswer], answer: BatchAnswer) -> None:
        settled = settle(
            works,
            items,
            now_ms=self._now_ms(),
            removed=self._portal.removed(),
            budget=self._budget,
            chance=self._chance(),
        )
        self._note_success(settled)
        now = self._monotonic()
        for work, delay in settled.again:
            self._lanes.put(work, now, delay)
        for work in settled.held:
            self._lanes.put(work, now)
        await self._finish(settled.finished, status=answer.status, correlation=answer.correlation)

    def _note_success(self, settled: Settled) -> None:
        now = self._monotonic()
        if settled.missing:
            self._portal.miss(settled.missing)
            self.gate.failed_with(self._portal.properties_missing(settled.missing), now=now, chance=self._chance())
        elif settled.held:
            self.gate.failed(
                "too_many_rejections",
                f"HubSpot rejected the changes of more than {self._budget.limit} friends in a row",
                now=now,
                back_off=REJECTIONS,
                chance=self._chance(),
            )
        else:
            self._successes += 1
            self.gate.succeeded(now=now)

    async def _finish(self, finished: Sequence[tuple[Work, Finished]], *, status: int, correlation: str | None) -> None:
        if not finished:
            return
        at = self._now_ms()
        outcomes = [
            (work, outcome_of(end, at=at, generation=self.generation, status=status, correlation=correlation))
            for work, end in finished
        ]
        for _work, outcome in outcomes:
            self._memory.note(outcome)
        await self._publish(outcomes)
        for work, _outcome in outcomes:
            following = self._admission.finish(work.delivery.change.friend)
            if following is not None:
                self._begin(following)

    async def _refused(self, group: Group, answer: BatchAnswer) -> None:
        """HubSpot refuses the whole call: half of it, and so on, until the guilty change is alone."""
        error = answer.errors[0]
        if len(group.works) > 1 and not may_miss_ours(error):
            for half in group.halves():
                self._lanes.put_group(half)
            return
        await self._answered(group.works, [ItemAnswer(error=error)] * len(group.works), answer)

    async def _troubled(self, group: Group, trouble: HubSpotTrouble) -> None:
        """Repeat the same batch later; one that fails while others succeed is taken apart, and a single one parked."""
        if group.failures == 0:
            group.successes_before = self._successes
        group.failures += 1
        others = self._successes - group.successes_before
        guilty = trouble.may_be_a_contact and others >= _WITNESSES * group.failures
        if guilty and len(group.works) == 1 and group.failures > ITEM_TRIES:
            work = group.works[0]
            await self._finish([(work, refused_too_often(work.delivery, trouble.code))], status=0, correlation=None)
            return
        wait = max(self._note_trouble(trouble), PORTAL.delay(group.failures, self._chance()))
        split = guilty and len(group.works) > 1 and group.failures >= _POISON_FAILURES
        for part in group.halves() if split else [group]:
            part.not_before = self._monotonic() + wait * _OTHERS_FIRST
            self._lanes.put_group(part)

    def _note_trouble(self, trouble: HubSpotTrouble) -> float:
        now = self._monotonic()
        hold = self._portal.hold_for(trouble, self._quota, now=now, now_ms=self._now_ms())
        if hold:
            self._quota.hold(now, hold)
        return self.gate.failed_with(trouble, now=now, chance=self._chance(), least=hold)

    def _show(self) -> None:
        self._metrics.gauge("in_flight_events", len(self._admission))
        self._metrics.gauge("paused", 0 if self.gate.paused is None else 1)
        self._metrics.gauge("quota_left", max(0, self._quota.limit - self._quota.used(self._monotonic())))
