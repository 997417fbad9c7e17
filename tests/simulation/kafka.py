"""A Kafka in memory: logs, groups with generations and sessions, a consumer and an appender like ours.

Law: a record is in the log or it is not, whatever the writer was told; a group has one generation at a time, and only
its members commit. Bytes that have left a process arrive although the process dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NoOffsetForPartitionError,
)

from runtime.clock import now_ms
from tests.simulation.virtual_time import PROCESS, Process, VirtualClock, VirtualLoop

HEARTBEAT = 1.0
_ROUND = 0.004
_PATIENCE = 4  # an empty fetch waits so many times longer than asked: nothing is missed, and idle time is cheap


@dataclass(slots=True)
class Record:
    """One record as aiokafka gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    timestamp: int


@dataclass
class Trouble:
    """What is wrong with the broker now."""

    away_until: float = -1.0
    lose_acks: int = 0  # so many appends are done, and their writers told otherwise
    slow: float = 0.0
    hold: tuple[str, float] | None = None  # the next append to this topic is under way for so many seconds
    held: Process | None = None  # whose append it was


class Kafka:
    """Logs and groups; `written` is told of every append."""

    def __init__(self, loop: VirtualLoop, clock: VirtualClock, partitions: int, session: float) -> None:
        self.loop, self.clock, self.partitions, self.session = loop, clock, partitions, session
        self.logs: dict[tuple[str, int], list[Record]] = {}
        self.groups: dict[str, Group] = {}
        self.trouble = Trouble()
        self.written: Callable[[Record, str], None] = lambda _record, _writer: None
        self.acks_lost: Callable[[str], None] = lambda _topic: None
        self.commits: Callable[[str, TopicPartition, int, int], None] = lambda _group, _tp, _first, _end: None
        self._waiting: list[asyncio.Future[None]] = []

    def log(self, topic: str, partition: int) -> list[Record]:
        return self.logs.setdefault((topic, partition), [])

    def group(self, name: str) -> Group:
        return self.groups.setdefault(name, Group(name, self))

    def append(
        self, topic: str, partition: int, records: Iterable[Any], timestamp: int | None = None, writer: str = ""
    ) -> int:
        """Put records into a log at once; the offset of the last."""
        log = self.log(topic, partition)
        for key, value, headers in records:
            at = self.clock.now_ms() if timestamp is None else timestamp
            record = Record(topic, partition, len(log), key, value, list(headers), at)
            log.append(record)
            self.written(record, writer)
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
        return len(log) - 1

    async def something_written(self, seconds: float) -> None:
        """Wait for the next append, at most so long."""
        waiter: asyncio.Future[None] = self.loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            return

    async def answer(self, timeout: float = 30.0) -> None:
        """One round trip; raises when the broker stays away."""
        spread = self.loop.random.uniform(0.5, 3.0)
        await asyncio.sleep(_ROUND * spread + self.trouble.slow)
        if (away := self.trouble.away_until - self.loop.time()) > 0:
            await asyncio.sleep(min(away, timeout))
            if away > timeout:
                raise KafkaTimeoutError

    @property
    def away(self) -> bool:
        return self.trouble.away_until > self.loop.time()

    async def read_log(
        self,
        _brokers: str,
        topic: str,
        *,
        partitions: Iterable[int] | None = None,
        start: Any = "earliest",
        read_committed: bool = False,
    ) -> AsyncIterator[Record]:
        """`runtime.log_reader.read_log`."""
        for partition in sorted(partitions) if partitions is not None else range(self.partitions):
            await self.answer()
            first = 0 if start == "earliest" else start.get(partition, 0)
            for record in self.log(topic, partition)[first:]:
                yield record

    async def end_offsets(self, _brokers: str, topic: str) -> dict[int, int]:
        """`runtime.log_reader.end_offsets`."""
        await self.answer()
        return {partition: len(self.log(topic, partition)) for partition in range(self.partitions)}

    async def partition_count(self, _brokers: str, _topic: str) -> int:
        """`runtime.log_reader.partition_count`."""
        return self.partitions

    async def committed(self, _brokers: str, group: str) -> dict[TopicPartition, int]:
        """`runtime.log_reader.committed`."""
        await self.answer()
        return {TopicPartition(topic, at): offset for (topic, at), offset in self.group(group).committed.items()}


@dataclass(eq=False)
class Group:
    """A consumer group: members join, all of them get a new generation, those who are silent are put out."""

    name: str
    kafka: Kafka
    generation: int = 0
    committed: dict[tuple[str, int], int] = field(default_factory=dict)
    members: dict[Any, asyncio.TimerHandle] = field(default_factory=dict)
    rebalancing: bool = False
    joined: dict[Any, asyncio.Future[tuple[int, list[int]]]] = field(default_factory=dict)
    owners: dict[int, Any] = field(default_factory=dict)

    def beat(self, member: Any) -> None:
        """The member is alive."""
        if (timer := self.members.get(member)) is not None:
            timer.cancel()
        self.members[member] = self.kafka.loop.outside(self.kafka.session, self._expire, member)

    def _expire(self, member: Any) -> None:
        process = member.process
        joining = member in self.joined and (process is None or (process.alive and not process.frozen))
        if self.kafka.away or joining:
            self.beat(member)  # a coordinator that comes back waits a session first
        else:
            self.leave(member)

    def leave(self, member: Any) -> None:
        """The member is out, by its own will or not."""
        timer = self.members.pop(member, None)
        self.joined.pop(member, None)
        if timer is not None:
            timer.cancel()
            self.rebalancing = True
            self._complete()

    def join(self, member: Any) -> asyncio.Future[tuple[int, list[int]]]:
        """Wait for the next generation."""
        self.beat(member)
        self.rebalancing = True
        waiter = self.joined[member] = self.kafka.loop.create_future()
        self.kafka.loop.outside(0.05, self._complete)
        return waiter

    def _complete(self) -> None:
        if not self.rebalancing or not self.members or set(self.joined) != set(self.members):
            return
        self.generation += 1
        self.rebalancing = False
        ordered = list(self.joined)
        self.kafka.loop.random.shuffle(ordered)
        self.owners = {at: ordered[at % len(ordered)] for at in range(self.kafka.partitions)}
        joined, self.joined = self.joined, {}
        for member, waiter in joined.items():
            if not waiter.done():
                waiter.set_result((self.generation, [at for at, owner in self.owners.items() if owner is member]))


class Consumer:
    """What our sinks and the fold's owner use of AIOKafkaConsumer."""

    def __init__(self, kafka: Kafka, group: str, topics: Iterable[str] = ()) -> None:
        self._kafka, self._group = kafka, kafka.group(group)
        self._topics = tuple(topics)
        self.process = PROCESS.get()
        self._coordinator = self  # the sinks listen to its heartbeats
        self.generation = -1
        self._assigned: set[TopicPartition] = set()
        self._paused: set[TopicPartition] = set()
        self._positions: dict[TopicPartition, int] = {}
        self._gone: list[TopicPartition] = []
        self._moving = True
        self._rejoin = asyncio.Event()
        self._listener: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._kafka.answer()

    def subscribe(self, topics: Iterable[str], listener: Any) -> None:
        self._topics, self._listener = tuple(topics), listener
        self._tasks = [asyncio.create_task(self._coordinate()), asyncio.create_task(self._keep_beating())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self.generation >= 0 and not self._kafka.away:
            self._group.leave(self)

    async def _coordinate(self) -> None:
        owned: set[TopicPartition] = set()
        while True:
            self._moving = True
            if owned:
                await self._listener.on_partitions_revoked(owned)
            self._assigned = set()
            await asyncio.sleep(max(0.0, self._kafka.trouble.away_until - self._kafka.loop.time()))
            await self._kafka.answer()
            self._rejoin.clear()
            self.generation, partitions = await self._group.join(self)
            owned = {TopicPartition(topic, at) for topic in self._topics for at in partitions}
            self._seek(owned)
            self._assigned, self._paused = owned, set()
            self._moving = False
            await self._listener.on_partitions_assigned(owned)
            await self._rejoin.wait()

    def _seek(self, owned: set[TopicPartition]) -> None:
        self._positions, self._gone = {}, []
        for tp in sorted(owned):
            offset = self._group.committed.get((tp.topic, tp.partition))
            if offset is None:
                self._gone.append(tp)
            else:
                self._positions[tp] = offset

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            if self.generation >= 0:
                await self._coordinator._do_heartbeat()

    async def _do_heartbeat(self) -> bool:
        try:
            await self._kafka.answer(5.0)
        except KafkaTimeoutError:
            return False
        if self not in self._group.members:
            self.generation = -1
            self._rejoin.set()
            return False
        self._group.beat(self)
        if self._group.rebalancing and self not in self._group.joined:
            self._rejoin.set()
        elif self.generation != self._group.generation and not self._moving:
            self._rejoin.set()
            return False
        return True

    async def getmany(self, *_tps: Any, timeout_ms: int = 0, max_records: int | None = None) -> dict[Any, list[Record]]:
        until = self._kafka.loop.time() + timeout_ms * _PATIENCE / 1000
        while True:
            if self._gone and not self._moving:
                raise NoOffsetForPartitionError(self._gone)
            found = self._fetch(max_records)
            left = until - self._kafka.loop.time()
            if found or left <= 0:
                return found
            await self._kafka.something_written(left if self._assigned and not self._moving else min(left, 0.05))
            await asyncio.sleep(self._kafka.loop.random.uniform(0.0, 0.02))

    def _fetch(self, most: int | None) -> dict[Any, list[Record]]:
        found: dict[Any, list[Record]] = {}
        if self._moving or self._kafka.away:
            return found
        for tp in sorted(self._assigned - self._paused):
            position = self._positions[tp]
            run = self._kafka.log(*tp)[position : position + (most or 500)]
            if run:
                found[tp] = run
                self._positions[tp] = position + len(run)
        return found

    async def committed(self, tp: TopicPartition) -> int | None:
        await self._kafka.answer()
        return self._group.committed.get((tp.topic, tp.partition))

    async def end_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._kafka.answer()
        return {tp: len(self._kafka.log(tp.topic, tp.partition)) for tp in tps}

    def give_back(self, tp: TopicPartition, offset: int) -> None:
        """Fetch again from here."""
        if tp in self._positions:
            self._positions[tp] = min(offset, self._positions[tp])

    def assignment(self) -> set[TopicPartition]:
        return set(self._assigned)

    def paused(self) -> set[TopicPartition]:
        return set(self._paused)

    def pause(self, *tps: TopicPartition) -> None:
        self._paused |= set(tps) & self._assigned

    def resume(self, *tps: TopicPartition) -> None:
        self._paused -= set(tps)

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(range(self._kafka.partitions))

    async def offsets_for_times(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        await self._kafka.answer()
        found: dict[TopicPartition, Any] = {}
        for tp, at in times.items():
            found[tp] = next((record for record in self._kafka.log(*tp) if record.timestamp >= at), None)
        return found

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        try:
            await self._kafka.answer()
        except KafkaTimeoutError:
            raise KafkaConnectionError from None
        if self not in self._group.members or self.generation != self._group.generation:
            raise CommitFailedError("the group has another generation")
        for tp, offset in offsets.items():
            first = self._group.committed.get((tp.topic, tp.partition), 0)
            self._group.committed[(tp.topic, tp.partition)] = offset
            self._kafka.commits(self._group.name, tp, first, offset)


class SimulatedAppender:
    """`runtime.appender.Appender`; an acknowledgement may be lost, and then its caller has no way to know."""

    def __init__(
        self,
        kafka: Kafka,
        *,
        client_id: str,
        guard: Callable[[], None] = lambda: None,
        timeout: float = 30.0,
    ) -> None:
        self._kafka, self._guard, self._timeout, self._name = kafka, guard, timeout, client_id
        self._filling: dict[tuple[str, int], asyncio.Lock] = {}

    async def start(self) -> None:
        await self._kafka.answer()

    async def stop(self) -> None:
        return

    async def append(
        self, topic: str, partition: int, records: Iterable[Any], *, timestamp: int | None = None
    ) -> int | None:
        given = list(records)
        if not given:
            return None
        kafka = self._kafka
        async with self._filling.setdefault((topic, partition), asyncio.Lock()):
            self._guard()
            at = now_ms() if timestamp is None else timestamp
            under_way = self._under_way(topic)
            if kafka.loop.random.random() < 0.5 or under_way > 0.1:  # they leave at once: not even a kill holds them
                done: asyncio.Future[int] = kafka.loop.create_future()
                kafka.loop.outside(under_way, self._arrive, done, topic, partition, given, at)
                offset = await done
            else:
                await kafka.answer(self._timeout)
                offset = kafka.append(topic, partition, given, at, self._name)
        if kafka.trouble.lose_acks and kafka.loop.random.random() < 0.5:
            kafka.trouble.lose_acks -= 1
            kafka.acks_lost(topic)
            raise KafkaTimeoutError
        await kafka.answer(self._timeout)
        return offset

    def _under_way(self, topic: str) -> float:
        """Seconds until the bytes are with the broker."""
        trouble = self._kafka.trouble
        if trouble.hold is None or trouble.hold[0] != topic:
            return 0.003
        (_topic, seconds), trouble.hold, trouble.held = trouble.hold, None, PROCESS.get()
        return seconds

    def _arrive(self, done: asyncio.Future[int], topic: str, partition: int, given: list[Any], at: int) -> None:
        if self._kafka.away:
            self._kafka.loop.outside(0.5, self._arrive, done, topic, partition, given, at)
            return
        offset = self._kafka.append(topic, partition, given, at, self._name)
        if not done.done():
            done.set_result(offset)
