"""The one acknowledged, idempotent way to write records.

Law: when an append returns, every record is acknowledged by all in-sync replicas, in the order given; when anything is
refused, it raises. Batches are built here and sent whole: a tenth of the cost of `producer.send()` (facts/faust.md 5).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

from schemas.topics import MAX_MESSAGE_BYTES

Headers = list[tuple[str, bytes]]
Outgoing = tuple[bytes | None, bytes | None, Headers]

LARGEST_RECORD = MAX_MESSAGE_BYTES
_BATCH_BYTES = 512 * 1024
_STOP_SECONDS = 10.0
_RECORD_OVERHEAD = 128  # lengths, offsets, attributes and the batch header, generously


class TooLarge(Exception):
    """One record is larger than any broker of ours accepts: it would be refused for ever, so it is never sent."""


def partition_of(key: bytes, partitions: int) -> int:
    """The partition Java's default partitioner gives to this key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def size_of(record: Outgoing) -> int:
    """An upper bound of the record's size on the wire, in bytes."""
    key, value, headers = record
    size = _RECORD_OVERHEAD + (len(key) if key else 0) + (len(value) if value else 0)
    for name, content in headers:
        size += 4 * len(name) + len(content) + 10
    return size


class Appender:
    """One idempotent producer; `guard` is asked right before each batch is handed over and may raise."""

    def __init__(
        self,
        brokers: str,
        *,
        client_id: str,
        guard: Callable[[], None] = lambda: None,
        timeout: float = 30.0,
    ) -> None:
        self._brokers = brokers
        self._client_id = client_id
        self._guard = guard
        self._timeout = timeout
        self._producer: Any = None
        self._starting = asyncio.Lock()
        self._filling: dict[tuple[str, int], asyncio.Lock] = {}

    async def start(self) -> None:
        """Connect; takes half a second. An append before it starts by itself."""
        async with self._starting:
            if self._producer is not None:
                return
            producer = AIOKafkaProducer(
                bootstrap_servers=self._brokers,
                client_id=self._client_id,
                enable_idempotence=True,
                acks="all",
                # The size of one batch builder: the largest record must fit; ordinary batches are cut at _BATCH_BYTES.
                max_batch_size=LARGEST_RECORD,
                max_request_size=2 * LARGEST_RECORD,
                request_timeout_ms=int(self._timeout * 1000),
            )
            try:
                await producer.start()
            except BaseException:
                with contextlib.suppress(Exception):
                    await producer.stop()
                raise
            self._producer = producer

    async def append(
        self, topic: str, partition: int, records: Iterable[Outgoing], *, timestamp: int | None = None
    ) -> int | None:
        """Append to one partition in order; the offset of the last record, None when there was none.

        `timestamp` in ms stamps every record; absent means now. Raises TooLarge before anything of this call is sent,
        and aiokafka's errors when the broker refuses or stays away longer than the timeout.
        """
        batches = list(_in_batches(topic, records))
        if not batches:
            return None
        await self.start()
        async with self._filling.setdefault((topic, partition), asyncio.Lock()):
            shipped = [await self._ship(topic, partition, batch, timestamp) for batch in batches]
        answers = await asyncio.gather(*shipped)
        return int(answers[-1].offset) + len(batches[-1]) - 1  # the broker names the first record of a batch

    async def append_by_key(self, topic: str, partitions: int, records: Iterable[Outgoing]) -> None:
        """Append each record to the partition of its key; order is kept within a partition. A key is required."""
        by_partition: dict[int, list[Outgoing]] = {}
        for record in records:
            if record[0] is None:
                raise ValueError(f"a record for {topic} has no key to choose a partition by")
            by_partition.setdefault(partition_of(record[0], partitions), []).append(record)
        await asyncio.gather(*[self.append(topic, partition, run) for partition, run in by_partition.items()])

    async def stop(self) -> None:
        """Disconnect; bounded, for what counts was awaited by `append` and Kafka may be away."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(producer.stop(), _STOP_SECONDS)

    async def _ship(
        self, topic: str, partition: int, records: list[Outgoing], timestamp: int | None
    ) -> asyncio.Future[Any]:
        batch = self._producer.create_batch()
        for key, value, headers in records:
            if batch.append(key=key, value=value, timestamp=timestamp, headers=headers) is None:
                raise MessageSizeTooLargeError(f"a batch for {topic} did not take what was measured to fit")
        batch.close()
        self._guard()
        sent: asyncio.Future[Any] = await self._producer.send_batch(batch, topic, partition=partition)
        return sent


def _in_batches(topic: str, records: Iterable[Outgoing]) -> Iterator[list[Outgoing]]:
    batch: list[Outgoing] = []
    filled = 0
    for record in records:
        size = size_of(record)
        if size > LARGEST_RECORD:
            raise TooLarge(f"a record for {topic} has {size} bytes, at most {LARGEST_RECORD} are allowed")
        if batch and filled + size > _BATCH_BYTES:
            yield batch
            batch, filled = [], 0
        batch.append(record)
        filled += size
    if batch:
        yield batch
