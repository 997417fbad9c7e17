"""Reading a topic from a known start to the end it has now.

Law: a read stops by the consumer's position, never by counting records: compaction, deletion and transaction markers
leave offsets that no record has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from runtime.appender import LARGEST_RECORD

_METADATA_PAUSES = (0.2, 0.5, 1.0)


async def read_log(
    brokers: str,
    topic: str,
    *,
    partitions: Iterable[int] | None = None,
    start: Mapping[int, int] | Literal["earliest"] = "earliest",
    read_committed: bool = False,
) -> AsyncIterator[ConsumerRecord]:
    """Every record from `start` to the end offsets seen at the call; partitions come interleaved, each in order.

    A partition that `start` does not name is read from its beginning, and so is one whose start was deleted. With
    `read_committed` the end is that of the last finished transaction.
    """
    async with _consumer(brokers, read_committed=read_committed) as consumer:
        chosen = sorted(partitions) if partitions is not None else range(await partition_count(brokers, topic))
        where = [TopicPartition(topic, partition) for partition in chosen]
        if not where:
            return
        consumer.assign(where)
        open_ends = await _seek(consumer, where, {} if start == "earliest" else start)
        while open_ends:
            runs = await consumer.getmany(*open_ends, timeout_ms=200)
            for tp, records in runs.items():
                for record in records:
                    if record.offset < open_ends[tp]:
                        yield record
            for tp in list(open_ends):
                if await consumer.position(tp) >= open_ends[tp]:
                    del open_ends[tp]


async def end_offsets(brokers: str, topic: str) -> dict[int, int]:
    """The offset after the last record, by partition."""
    async with _consumer(brokers) as consumer:
        where = [TopicPartition(topic, partition) for partition in range(await partition_count(brokers, topic))]
        found: dict[TopicPartition, int] = await consumer.end_offsets(where)
        return {tp.partition: end for tp, end in found.items()}


async def partition_count(brokers: str, topic: str) -> int:
    """How many partitions the topic has; UnknownTopicOrPartitionError when there is no such topic."""
    client = AIOKafkaClient(bootstrap_servers=brokers)
    try:
        await client.bootstrap()
        found = (await _metadata(client)).partitions_for_topic(topic)
    finally:
        await client.close()
    if not found:
        raise UnknownTopicOrPartitionError(topic)
    return len(found)


async def _metadata(client: AIOKafkaClient) -> Any:
    """What the cluster is; asked again where a busy broker did not answer in time."""
    for pause in _METADATA_PAUSES:
        try:
            return await client.fetch_all_metadata()
        except KafkaError:
            await asyncio.sleep(pause)
    return await client.fetch_all_metadata()


async def committed(brokers: str, group: str) -> dict[TopicPartition, int]:
    """The committed offsets of a group; partitions without one are left out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
        return {tp: meta.offset for tp, meta in found.items() if meta.offset >= 0}
    finally:
        await admin.close()


@asynccontextmanager
async def _consumer(brokers: str, *, read_committed: bool = False) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if read_committed else "read_uncommitted",
        max_partition_fetch_bytes=LARGEST_RECORD,
        fetch_max_wait_ms=100,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _seek(consumer: Any, where: list[TopicPartition], start: Mapping[int, int]) -> dict[TopicPartition, int]:
    """Put the consumer at the start; the ends of those partitions that have anything to read."""
    ends = await consumer.end_offsets(where)
    begins = await consumer.beginning_offsets(where)
    open_ends = {}
    for tp in where:
        first = max(start.get(tp.partition, 0), begins[tp])
        consumer.seek(tp, first)
        if first < ends[tp]:
            open_ends[tp] = ends[tp]
    return open_ends
