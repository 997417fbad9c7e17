"""The consumer of contact.changes.v1.

Law: auto-commit is off, and there is no automatic offset: a vanished one stops the sink, for starting at the earliest
would re-create every contact deleted since. The consumer is polled all the time, whatever HubSpot does, so the sink
stays in its group; back-pressure pauses partitions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from domain.quota import Quota, QuotaPolicy
from runtime.appender import Appender
from runtime.clock import monotonic, now_ms, random_source
from runtime.lease import Lease
from runtime.log_reader import committed
from runtime.logs import logger
from runtime.metrics import Metrics
from runtime.refusal import MISCONFIGURED, Refusal
from runtime.settings import Settings
from schemas.dead_letters import dead_letter_headers
from schemas.topics import CHANGES, DEAD_LETTERS, FOLD_GROUP, HUBSPOT_GROUP
from sinks.consumer import make_consumer
from sinks.hubspot.arrivals import Sorted, sort
from sinks.hubspot.deliverer import Deliverer
from sinks.hubspot.gate import Paused
from sinks.hubspot.lanes import Gathering, Lanes
from sinks.hubspot.lost import LostAnswers
from sinks.hubspot.memory import Memory
from sinks.hubspot.portal import Portal
from sinks.hubspot.publisher import Publisher
from sinks.hubspot.recall import Recall
from sinks.hubspot.sweep import Sweep, Walk
from sinks.hubspot.sweep_calls import SweepCalls
from sinks.membership import Membership
from sinks.progress import GIVEN_UP, Progress

_FULL, _ROOM = 3000, 1500
_POLL_MS = 500
_LOOK_AGAIN = 0.05
_LOG = logger(__name__)


class HubSpotSink(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Writes the changes of its partitions to HubSpot until it is stopped."""

    def __init__(self, settings: Settings, brokers: str, portal: Portal, metrics: Metrics) -> None:
        self._settings, self._brokers, self._metrics = settings, brokers, metrics
        self._lease = Lease(settings.session_seconds)
        self._membership = Membership(self._lease)
        self._progress, self._memory = Progress(), Memory()
        self._recall = Recall(brokers, self._memory)
        self._appender = Appender(brokers, client_id="friendstream-hubspot", guard=self._lease.check)
        self._publisher = Publisher(self._appender, self._progress, self._commit, self._lease, metrics)
        quota = Quota(QuotaPolicy(limit=settings.hubspot_quota))
        self._deliverer = Deliverer(
            portal=portal,
            lanes=Lanes(Gathering.of_ms(settings.hubspot_batch_ms)),
            quota=quota,
            lease=self._lease,
            memory=self._memory,
            metrics=metrics,
            publish=self._publisher.publish,
            monotonic=monotonic,
            now_ms=now_ms,
            chance=random_source().random,
        )
        self._sweep = self._make_sweep(portal, quota)
        self._consumer: Any = None
        self._broken: asyncio.Future[None] | None = None
        self._epoch = 0
        self._assigned = False

    @property
    def ready(self) -> bool:
        """Whether the sink is a member of its group and takes changes in; trouble with HubSpot does not change it."""
        return self._assigned

    @property
    def paused(self) -> Paused | None:
        """Why nothing is written to HubSpot now."""
        return self._deliverer.gate.paused

    @property
    def last_walk(self) -> Walk | None:
        """The last whole walk of the sweep; None before the first one ends."""
        return self._sweep.last

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; Refusal 78 when an offset is gone or the token is of another portal."""
        await self._appender.start()
        self._broken = asyncio.get_running_loop().create_future()
        self._consumer = make_consumer(self._settings, self._brokers, role="hubspot", group=HUBSPOT_GROUP)
        try:
            await self._consumer.start()
            self._membership.attach(self._consumer)
            self._consumer.subscribe([CHANGES.name], listener=self)
            await self._work(stop)
            await self._give_up_partitions()
        finally:
            await self._sweep.stop()
            await self._deliverer.drain(0.0)
            await self._consumer.stop()
            await self._appender.stop()

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Finish or abandon what is in flight, within a bound; the next owner starts at the commit."""
        await self._give_up_partitions()

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Become the owner, or end the sink: aiokafka would only log the error, and nothing would be taken in."""
        try:
            await self._own(assigned)
        except Exception as error:
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(error)

    async def _own(self, assigned: list[TopicPartition]) -> None:
        """Confirmed by a heartbeat of our own, for the lease counts from one."""
        await self._membership.beat()
        every = len(self._consumer.partitions_for_topic(CHANGES.name) or ()) or 1
        self._metrics.gauge("partitions_owned", len(assigned))
        self._deliverer.resume(generation=self._membership.generation, share=max(len(assigned), 1) / every)
        self._assigned = True
        await self._sweep.stop()
        self._sweep.start(tp.partition for tp in assigned)
        _LOG.info("owns %d of %d partitions, generation %d", len(assigned), every, self._membership.generation)

    async def _give_up_partitions(self) -> None:
        self._epoch += 1
        self._assigned = False
        try:
            await self._sweep.stop()
            await self._deliverer.drain(min(5.0, self._settings.session_seconds / 3))
        finally:
            self._metrics.discarded(GIVEN_UP, self._progress.clear())
            self._recall.clear()
            self._memory.clear()

    async def _work(self, stop: asyncio.Event) -> None:
        """Read, deliver and wait for the end; whichever of them fails ends the sink."""
        assert self._broken is not None
        parts = (self._read(), self._deliverer.run(), stop.wait(), self._broken)
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _going_on = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        remembered = -1
        while True:
            if self._assigned and remembered != self._epoch:
                remembered = self._epoch
                await self._recall.last_hour(self._consumer, [tp.partition for tp in self._consumer.assignment()])
            self._press_back()
            self._memory.prune(now_ms())
            try:
                runs = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=500)
            except (NoOffsetForPartitionError, OffsetOutOfRangeError) as gone:
                raise _offset_gone(gone) from None
            if runs:
                await self._take(runs)

    async def _take(self, runs: Mapping[TopicPartition, list[Any]]) -> None:
        epoch = self._epoch
        # A fetch that was waiting when partitions were assigned brings their records before `_read` looked back.
        await self._recall.last_hour(self._consumer, [tp.partition for tp in runs])
        await self._recall.since_commit(self._consumer, {tp.partition: run[0].timestamp for tp, run in runs.items()})
        # Fetched while aiokafka still tells of the assignment: a deliverer that rests would never begin them.
        while not self._assigned and epoch == self._epoch:  # noqa: ASYNC110  it takes one heartbeat
            await asyncio.sleep(_LOOK_AGAIN)
        for tp, run in runs.items():
            if epoch != self._epoch:
                return  # revoked meanwhile: read again from the commit by whoever owns it now
            found = sort(run)
            for record in run:
                self._progress.taken(tp.partition, record.offset)
            self._metrics.received(len(run))
            self._deliverer.admit(found.changes)
            await self._set_aside(tp.partition, found)

    async def _set_aside(self, partition: int, found: Sorted) -> None:
        """Dead letters and tombstones: done as soon as they are safe."""
        if found.dead:
            letters = [
                (
                    record.key,
                    record.value,
                    dead_letter_headers(
                        record.headers,
                        topic=CHANGES.name,
                        partition=partition,
                        offset=record.offset,
                        at=now_ms(),
                        stage="hubspot",
                        reason=reason,
                    ),
                )
                for record, reason in found.dead
            ]
            await self._publisher.append(DEAD_LETTERS.name, partition, letters)
        for record, reason in found.dead:
            _LOG.warning("dead letter: %s-%d@%d is %s", CHANGES.name, partition, record.offset, reason)
            self._metrics.discarded(reason)
            self._progress.done(partition, record.offset)
        for record in found.empty:
            self._metrics.discarded("tombstone")
            self._progress.done(partition, record.offset)
        if found.dead or found.empty:
            await self._publisher.commit()

    def _press_back(self) -> None:
        """Read on only while there is room; a paused partition is still polled, so the group keeps us."""
        assigned = self._consumer.assignment()
        paused = self._consumer.paused()
        if len(self._deliverer) >= _FULL:
            self._consumer.pause(*(assigned - paused))
        elif paused and len(self._deliverer) <= _ROOM:
            self._consumer.resume(*(paused & assigned))

    def _make_sweep(self, portal: Portal, quota: Quota) -> Sweep:
        calls = SweepCalls(
            portal=portal,
            deliverer=self._deliverer,
            quota=quota,
            lease=self._lease,
            metrics=self._metrics,
            monotonic=monotonic,
            now_ms=now_ms,
            chance=random_source().random,
        )
        return Sweep(
            brokers=self._brokers,
            seconds=self._settings.sweep_seconds,
            calls=calls,
            lost=LostAnswers(end_of=self._end_of, done=self._done, folded=self._folded),
            portal=portal,
            publisher=self._publisher,
            deliverer=self._deliverer,
            metrics=self._metrics,
            monotonic=monotonic,
            now_ms=now_ms,
        )

    async def _end_of(self, log: TopicPartition) -> int:
        ends = await self._consumer.end_offsets([log])
        return int(ends[log])

    async def _done(self, log: TopicPartition) -> int:
        return int(await self._consumer.committed(log) or 0)

    async def _folded(self, log: TopicPartition) -> int:
        return (await committed(self._brokers, FOLD_GROUP)).get(log, 0)

    async def _commit(self, offsets: Mapping[int, int]) -> None:
        await self._consumer.commit({TopicPartition(CHANGES.name, p): offset for p, offset in offsets.items()})


def _offset_gone(gone: Exception) -> Refusal:
    return Refusal(
        MISCONFIGURED,
        "offset_gone",
        f"the HubSpot sink does not know where to go on in {CHANGES.name} ({type(gone).__name__}):"
        " starting at the beginning could re-create contacts that people deleted",
        where=f"consumer group {HUBSPOT_GROUP}",
        next_step="`friendstream sink reset hubspot` goes on at the end and settles every skipped friend anew",
    )
