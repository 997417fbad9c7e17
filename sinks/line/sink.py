"""The consumer of line.requests.v1.

Law: auto-commit is off, and there is no automatic offset: a vanished one stops the sink. Requests are answered side by
side, results are published on the partition of their request, and an offset is committed once everything before it is
answered, so neither a slow friend nor a slow connection holds up another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from runtime.appender import Appender, Outgoing
from runtime.clock import now_ms
from runtime.lease import Lease
from runtime.logs import logger
from runtime.metrics import Metrics
from runtime.refusal import MISCONFIGURED, Refusal
from runtime.settings import Settings
from schemas.codec import encode
from schemas.dead_letters import dead_letter_headers
from schemas.requests import Request
from schemas.results import Result
from schemas.topics import DEAD_LETTERS, LINE_GROUP, REQUESTS, RESULTS
from sinks.consumer import make_consumer
from sinks.line.arrivals import sort
from sinks.line.messages import Messages
from sinks.line.profiles import Discarded, Profiles
from sinks.membership import Membership
from sinks.progress import GIVEN_UP, Progress

_FULL, _ROOM = 2000, 1000
_POLL_MS = 500
_LOG = logger(__name__)

Answered = tuple[int, int, str, Outgoing | None]  # partition, offset, topic, what is appended there


class LineSink(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Answers the requests of its partitions until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        brokers: str,
        lease: Lease,
        profiles: Profiles,
        messages: Messages,
        metrics: Metrics,
    ) -> None:
        self._settings, self._brokers, self._metrics = settings, brokers, metrics
        self._profiles, self._messages = profiles, messages
        self._membership = Membership(lease)
        self._progress = Progress()
        self._appender = Appender(brokers, client_id="friendstream-line")
        self._consumer: Any = None
        self._working: set[asyncio.Task[None]] = set()
        self._answered: list[Answered] = []
        self._news = asyncio.Event()
        self._publishing = asyncio.Lock()
        self._publication: asyncio.Future[None] | None = None
        self._broken: asyncio.Future[None] | None = None
        self._ends: dict[int, int] = {}
        self._assigned = False

    @property
    def ready(self) -> bool:
        """Whether the sink is a member of its group and takes requests in."""
        return self._assigned

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; Refusal 78 when an offset is gone, aiokafka's errors when Kafka stays away."""
        await self._appender.start()
        self._broken = asyncio.get_running_loop().create_future()
        self._consumer = make_consumer(self._settings, self._brokers, role="line", group=LINE_GROUP)
        try:
            await self._consumer.start()
            self._membership.attach(self._consumer)
            self._consumer.subscribe([REQUESTS.name], listener=self)
            await self._work(stop)
            await self._give_up_partitions()
        finally:
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
            self._break(error)

    async def _own(self, assigned: list[TopicPartition]) -> None:
        """What is in the log by now may have been tried by an owner before us."""
        await self._membership.beat()
        ends = await self._consumer.end_offsets(assigned) if assigned else {}
        self._ends = {tp.partition: end for tp, end in ends.items()}
        self._metrics.gauge("partitions_owned", len(assigned))
        self._assigned = True
        _LOG.info("owns %d partitions", len(assigned))

    async def _give_up_partitions(self) -> None:
        self._assigned = False
        if self._working:
            await asyncio.wait(self._working, timeout=min(3.0, self._settings.session_seconds / 4))
        for task in self._working:
            task.cancel()
        self._profiles.abandon()
        await asyncio.gather(*self._working, return_exceptions=True)
        try:
            await self._publish()
        finally:
            # an offset left open here would hold the partition, should it come back
            self._metrics.discarded(GIVEN_UP, self._progress.clear())

    async def _work(self, stop: asyncio.Event) -> None:
        assert self._broken is not None
        tasks = [asyncio.ensure_future(part) for part in (self._read(), self._publish_all(), stop.wait(), self._broken)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            self._press_back()
            try:
                runs = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=500)
            except (NoOffsetForPartitionError, OffsetOutOfRangeError) as gone:
                raise _offset_gone(gone) from None
            for tp, run in runs.items():
                self._take(tp.partition, run)

    def _take(self, partition: int, run: list[Any]) -> None:
        for record in run:
            self._progress.taken(partition, record.offset)
        self._metrics.received(len(run))
        found = sort(run)
        for record, request in found.requests:
            tried_before = record.offset < self._ends.get(partition, 0)
            task = asyncio.create_task(self._answer(partition, record.offset, request, tried_before))
            self._working.add(task)
            task.add_done_callback(self._ended)
        for record, reason in found.dead:
            _LOG.warning("dead letter: %s-%d@%d is %s", REQUESTS.name, partition, record.offset, reason)
            self._metrics.discarded(reason)
            headers = dead_letter_headers(
                record.headers,
                topic=REQUESTS.name,
                partition=partition,
                offset=record.offset,
                at=now_ms(),
                stage="line",
                reason=reason,
            )
            self._finish((partition, record.offset, DEAD_LETTERS.name, (record.key, record.value, headers)))
        for record in found.empty:
            self._metrics.discarded("tombstone")
            self._finish((partition, record.offset, RESULTS.name, None))
        self._metrics.gauge("in_flight_events", len(self._working))

    async def _answer(self, partition: int, offset: int, request: Request, tried_before: bool) -> None:
        answer: Result | Discarded
        if request.kind == "profile":
            answer = await self._profiles.answer(request)
        else:
            answer = await self._messages.answer(request, tried_before=tried_before)
        if isinstance(answer, Discarded):
            self._metrics.discarded(answer.reason)
            self._finish((partition, offset, RESULTS.name, None))
        else:
            self._finish((partition, offset, RESULTS.name, (request.friend.encode(), encode(answer), [])))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._metrics.error("answer")
        self._break(error)  # a bug: the process ends before the offset is committed

    def _break(self, error: BaseException) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)

    def _finish(self, answered: Answered) -> None:
        self._answered.append(answered)
        self._news.set()

    async def _publish_all(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._publication = asyncio.ensure_future(self._publish())
            await asyncio.shield(self._publication)  # a stop lets it finish: what was sent must be known

    async def _publish(self) -> None:
        """Append what is answered, await Kafka, then commit: a crash in between only answers again."""
        async with self._publishing:
            answered, self._answered = self._answered, []
            await asyncio.gather(
                *[
                    self._appender.append(topic, partition, records)
                    for (topic, partition), records in _by_log(answered).items()
                ]
            )
            for partition, offset, topic, outgoing in answered:
                self._progress.done(partition, offset)
                self._metrics.sent(1 if topic == RESULTS.name and outgoing is not None else 0)
            self._metrics.gauge("in_flight_events", len(self._working))
            await self._commit()

    async def _commit(self) -> None:
        offsets = self._progress.committable()
        if not offsets:
            return
        try:
            await self._consumer.commit({TopicPartition(REQUESTS.name, p): offset for p, offset in offsets.items()})
        except (CommitFailedError, IllegalStateError) as lost:
            _LOG.info("offsets not committed, the partitions are being given to others (%s)", type(lost).__name__)
        except KafkaError as trouble:
            _LOG.warning("offsets not committed, the next commit includes them (%s)", type(trouble).__name__)
        else:
            self._progress.committed(offsets)

    def _press_back(self) -> None:
        """Read on only while there is room; a paused partition is still polled, so the group keeps us."""
        assigned, paused = self._consumer.assignment(), self._consumer.paused()
        if len(self._working) >= _FULL:
            self._consumer.pause(*(assigned - paused))
        elif paused and len(self._working) <= _ROOM:
            self._consumer.resume(*(paused & assigned))


def _by_log(answered: Iterable[Answered]) -> Mapping[tuple[str, int], list[Outgoing]]:
    found: dict[tuple[str, int], list[Outgoing]] = {}
    for partition, _, topic, outgoing in answered:
        if outgoing is not None:
            found.setdefault((topic, partition), []).append(outgoing)
    return found


def _offset_gone(gone: Exception) -> Refusal:
    return Refusal(
        MISCONFIGURED,
        "offset_gone",
        f"the LINE sink does not know where to go on in {REQUESTS.name} ({type(gone).__name__}):"
        " starting at the beginning would send messages again, at the end would lose requests",
        where=f"consumer group {LINE_GROUP}",
        next_step="`friendstream sink reset line` goes on at the end; skipped profiles are asked for again later",
    )
