"""A live view of the registry for the roles.

Law: `start` returns when the view equals the log as it was at the call; from then on a change is seen within a moment.
While Kafka is away the view stays as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from registry.log import Known, fold, read_known
from runtime.appender import LARGEST_RECORD
from runtime.logs import logger
from schemas.connections import ConnectionRecord, PortalRecord, SinkName, SinkRecord
from schemas.topics import CONNECTIONS

_PAUSE_SECONDS = 1.0


class ConnectionsView:
    """The newest record of each connection; `changed` is set whenever one changes, and cleared by who waits for it."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self._known = Known()
        self._tail: asyncio.Task[None] | None = None
        self.changed = asyncio.Event()

    async def start(self) -> None:
        """Read to the end, then follow; Refusal 69 when Kafka is away."""
        self._known = await read_known(self._brokers)
        self._tail = asyncio.create_task(self._follow(), name="connections view")

    def get(self, number: int) -> ConnectionRecord | None:
        """Connection `number`, removed ones too; None if there never was one."""
        return self._known.connections.get(number)

    def all(self) -> list[ConnectionRecord]:
        """Every connection, by number, removed ones too."""
        return [record for _, record in sorted(self._known.connections.items())]

    @property
    def portal(self) -> PortalRecord | None:
        return self._known.portal

    def sink_paused(self, sink: SinkName) -> SinkRecord | None:
        """The order of an operator that the sink waits; None while it may work."""
        record = self._known.sinks.get(sink)
        return record if record is not None and record.paused else None

    async def __aenter__(self) -> ConnectionsView:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop following."""
        if self._tail is not None:
            self._tail.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tail
            self._tail = None

    async def _follow(self) -> None:
        while True:
            try:
                await self._tail_once()
            except (KafkaError, OSError) as trouble:
                logger(__name__).warning("the registry cannot be followed (%s), trying again", type(trouble).__name__)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _tail_once(self) -> None:
        consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=self._brokers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=LARGEST_RECORD,
        )
        try:
            await consumer.start()
            where = TopicPartition(CONNECTIONS.name, 0)
            consumer.assign([where])
            await consumer.seek_to_beginning(where)  # some records again: folding them again changes nothing
            while True:
                for records in (await consumer.getmany(where, timeout_ms=1000)).values():
                    self._take(records)
        finally:
            await consumer.stop()

    def _take(self, records: list[Any]) -> None:
        before = self._known
        for record in records:
            self._known = fold(self._known, record.key, record.value)
        if self._known != before:
            self.changed.set()
