"""connections.v1: the registry's log, and the one way to change it.

Law: whoever changes it holds the transactional id, has read the log to its end inside the transaction, and decided on
nothing else. A later writer fences an earlier one, so two of them can never decide on the same log: numbers are unique.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidTxnState,
    KafkaConnectionError,
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownError,
    UnknownTopicOrPartitionError,
    kafka_errors,
)

from runtime.clock import random_source
from runtime.log_reader import read_log
from runtime.logs import logger
from runtime.refusal import UNAVAILABLE, Refusal
from schemas.codec import Unreadable, encode
from schemas.connections import (
    PORTAL_KEY,
    SINK_KEYS,
    ConnectionRecord,
    PortalRecord,
    SinkName,
    SinkRecord,
    read_connection,
    read_portal,
    read_sink,
)
from schemas.topics import CONNECTIONS

TRANSACTIONAL_ID = "friendstream-registry"
TRIES = 12
_PAUSE_SECONDS = 0.1
_TRANSACTION_MS = 30_000
_LIMIT_SECONDS = 40.0
_FENCED_CODE = 90  # PRODUCER_FENCED, in Kafka's protocol
_FENCED = (ProducerFenced, OutOfOrderSequenceNumber, InvalidTxnState)

R = TypeVar("R")
Entry = tuple[bytes, ConnectionRecord | PortalRecord | SinkRecord]


@dataclass(frozen=True, slots=True)
class Known:
    """The log folded: the newest record of each connection, of the portal, and of each sink that was ever paused."""

    connections: dict[int, ConnectionRecord] = field(default_factory=dict)
    portal: PortalRecord | None = None
    sinks: dict[SinkName, SinkRecord] = field(default_factory=dict)


def fold(known: Known, key: bytes | None, value: bytes | None) -> Known:
    """`known` with one more record of the log; one that cannot be read, or is older, changes nothing."""
    if key is None or value is None:
        return known
    try:
        if key == PORTAL_KEY:
            return replace(known, portal=read_portal(value))
        if (sink := SINK_KEYS.get(key)) is not None:
            order, former = read_sink(value), known.sinks.get(sink)
            newest = order if former is None or order.at >= former.at else former
            return replace(known, sinks={**known.sinks, sink: newest})
        record = read_connection(value)
    except Unreadable:
        logger(__name__).error("%s holds a record that cannot be read, key of %d bytes", CONNECTIONS.name, len(key))
        return known
    before = known.connections.get(record.number)
    if key != b"%d" % record.number or (before is not None and before.version > record.version):
        return known
    return replace(known, connections={**known.connections, record.number: record})


async def load(brokers: str) -> dict[int, ConnectionRecord]:
    """Every connection by number, as of now."""
    return (await read_known(brokers)).connections


async def read_known(brokers: str) -> Known:
    """The log folded to its end; Refusal 69 when Kafka or the topic is not there."""
    known = Known()
    try:
        async for record in read_log(brokers, CONNECTIONS.name, read_committed=True):
            known = _with(known, record)
    except UnknownTopicOrPartitionError:
        raise Refusal(
            UNAVAILABLE, "no_topics", f"the topic {CONNECTIONS.name} is missing", next_step="friendstream topics create"
        ) from None
    except KafkaError as trouble:
        raise _away(trouble) from None
    return known


def _with(known: Known, record: ConsumerRecord) -> Known:
    return fold(known, record.key, record.value)


class Registry:
    """The registry's writer. Cheap: it connects for each transaction and keeps nothing.

    Its own transactions follow each other: at once they would only fence each other.
    """

    def __init__(self, brokers: str, *, tries: int = TRIES) -> None:
        self._brokers = brokers
        self._tries = tries
        self._random = random_source()
        self._turn = asyncio.Lock()

    async def transact(self, decide: Callable[[dict[int, ConnectionRecord]], ConnectionRecord]) -> ConnectionRecord:
        """Decide on the newest log and append what was decided; an unchanged record is not appended.

        The record's `version` is set here. `decide` is pure and may be called again when another writer came between;
        what it raises ends the transaction. Raises Refusal 69 when Kafka is away or other writers never let go.
        """
        return (await self.transact_all(lambda known: [decide(known)]))[0]

    async def transact_all(
        self, decide: Callable[[dict[int, ConnectionRecord]], list[ConnectionRecord]]
    ) -> list[ConnectionRecord]:
        """The same for several connections, all or none of them."""

        def settle(known: Known) -> tuple[list[ConnectionRecord], list[Entry]]:
            records = [_versioned(record, known) for record in decide(known.connections)]
            return records, [
                (b"%d" % record.number, record) for record in records if record != known.connections.get(record.number)
            ]

        return await self._transact(settle)

    async def transact_portal(self, decide: Callable[[PortalRecord | None], PortalRecord]) -> PortalRecord:
        """The same for the record that names the HubSpot portal."""

        def settle(known: Known) -> tuple[PortalRecord, list[Entry]]:
            record = decide(known.portal)
            return record, [] if record == known.portal else [(PORTAL_KEY, record)]

        return await self._transact(settle)

    async def pause_sink(self, sink: SinkName, paused: bool, now: int) -> tuple[SinkRecord, bool]:
        """Remember that a sink is to wait, or to go on; the record, and whether that is new."""
        key = next(key for key, name in SINK_KEYS.items() if name == sink)

        def settle(known: Known) -> tuple[tuple[SinkRecord, bool], list[Entry]]:
            before = known.sinks.get(sink)
            if before is not None and before.paused == paused:
                return (before, False), []
            record = SinkRecord(paused=paused, at=now if before is None else max(now, before.at + 1))
            if before is None and not paused:
                return (record, False), []
            return (record, True), [(key, record)]

        return await self._transact(settle)

    async def _transact(self, settle: Callable[[Known], tuple[R, list[Entry]]]) -> R:
        for attempt in range(self._tries):
            try:
                async with self._turn, asyncio.timeout(_LIMIT_SECONDS):
                    return await self._once(settle)
            except (KafkaError, TimeoutError) as trouble:
                if not _lost_a_race(trouble):
                    raise _away(trouble) from None
            await asyncio.sleep(self._random.uniform(0.2, 1.0) * _PAUSE_SECONDS * 2 ** min(attempt, 5))
        raise Refusal(
            UNAVAILABLE,
            "registry_busy",
            f"another writer changed the registry {self._tries} times in between",
            where=CONNECTIONS.name,
            next_step="try again when no other `connections` command runs",
        )

    async def _once(self, settle: Callable[[Known], tuple[R, list[Entry]]]) -> R:
        kafka_errors.setdefault(_FENCED_CODE, InvalidProducerEpoch)  # aiokafka 0.14 has no name for it
        producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers,
            transactional_id=TRANSACTIONAL_ID,
            transaction_timeout_ms=_TRANSACTION_MS,
            acks="all",
        )
        try:
            await producer.start()  # from here on the writer before us is fenced
            async with producer.transaction():
                result, entries = settle(await read_known(self._brokers))
                for key, record in entries:
                    await producer.send_and_wait(CONNECTIONS.name, encode(record), key, partition=0)
            return result
        finally:
            await _stopped(producer)


def _lost_a_race(trouble: KafkaError | TimeoutError) -> bool:
    """Another writer came between and nothing of ours was committed.

    Kafka 4 says so with codes that aiokafka 0.14 has no name for; it then ends the producer with an UnknownError.
    """
    return isinstance(trouble, _FENCED) or isinstance(trouble.__cause__, UnknownError)


async def _stopped(producer: Any) -> None:
    with contextlib.suppress(KafkaError):
        await producer.stop()
    for future in _left_by_a_fence(producer):
        if future.done():
            future.exception()  # seen, else asyncio logs a traceback when it is collected


def _left_by_a_fence(producer: Any) -> Iterator[asyncio.Future[Any]]:
    """The futures that aiokafka 0.14 fails when the producer is fenced, and that nobody awaits."""
    ended = producer._txn_manager.wait_for_transaction_end()  # noqa: SLF001  no public way to them
    if ended is not None:
        yield ended
    for batches in producer._message_accumulator._batches.values():  # noqa: SLF001  the same
        for batch in batches:
            yield batch._drain_waiter  # noqa: SLF001  the same


def _versioned(record: ConnectionRecord, known: Known) -> ConnectionRecord:
    before = known.connections.get(record.number)
    version = 0 if before is None else before.version
    same = msgspec.structs.replace(record, version=version)
    return same if same == before else msgspec.structs.replace(record, version=version + 1)


def _away(trouble: KafkaError | TimeoutError) -> Refusal:
    what = "Kafka cannot be reached" if isinstance(trouble, KafkaConnectionError | TimeoutError) else "Kafka refuses"
    return Refusal(
        UNAVAILABLE,
        "kafka_unavailable",
        f"{what} ({type(trouble).__name__})",
        where=CONNECTIONS.name,
        next_step="is the broker up? See FRIENDSTREAM_KAFKA",
    )
