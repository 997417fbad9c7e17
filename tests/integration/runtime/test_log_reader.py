"""Reading a real log to its end, whatever is in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import UnknownTopicOrPartitionError

from runtime.appender import Appender
from runtime.embedded_kafka import EmbeddedKafka
from runtime.log_reader import end_offsets, partition_count, read_log

NewTopic = Callable[..., Awaitable[str]]


async def _fill(kafka: EmbeddedKafka, topic: str, partition: int, values: list[bytes]) -> None:
    appender = Appender(kafka.address, client_id="test")
    await appender.append(topic, partition, [(b"k", value, []) for value in values])
    await appender.stop()


async def test_an_empty_topic_ends_at_once(kafka: EmbeddedKafka, new_topic: NewTopic) -> None:
    topic = await new_topic(partitions=3)
    assert [record async for record in read_log(kafka.address, topic)] == []
    assert await end_offsets(kafka.address, topic) == {0: 0, 1: 0, 2: 0}


async def test_reads_chosen_partitions_from_given_starts(kafka: EmbeddedKafka, new_topic: NewTopic) -> None:
    topic = await new_topic(partitions=3)
    for partition in range(3):
        await _fill(kafka, topic, partition, [b"%d" % number for number in range(5)])
    found = [
        (record.partition, record.offset)
        async for record in read_log(kafka.address, topic, partitions=[0, 2], start={0: 3, 2: 5})
    ]
    assert found == [(0, 3), (0, 4)]


async def test_stops_behind_transaction_markers_and_hides_what_was_aborted(
    kafka: EmbeddedKafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=f"of-{topic}")
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(topic, b"kept")
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"aborted")
    await producer.abort_transaction()
    assert [record.value async for record in read_log(kafka.address, topic, read_committed=True)] == [b"kept"]
    assert [record.value async for record in read_log(kafka.address, topic)] == [b"kept", b"aborted"]
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"open")
    assert [record.value async for record in read_log(kafka.address, topic, read_committed=True)] == [b"kept"]
    await producer.abort_transaction()
    await producer.stop()


async def test_a_start_that_was_deleted_means_the_beginning(kafka: EmbeddedKafka, new_topic: NewTopic) -> None:
    topic = await new_topic()
    await _fill(kafka, topic, 0, [b"%d" % number for number in range(5)])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=3)})
    await admin.close()
    assert [record.offset async for record in read_log(kafka.address, topic, start={0: 1})] == [3, 4]


async def test_reads_records_larger_than_a_fetch(kafka: EmbeddedKafka, new_topic: NewTopic) -> None:
    topic = await new_topic(**{"max.message.bytes": str(4 * 1024 * 1024)})
    await _fill(kafka, topic, 0, [b"x" * 3_000_000, b"y" * 3_000_000])
    assert [len(record.value) async for record in read_log(kafka.address, topic)] == [3_000_000, 3_000_000]


async def test_counts_partitions_and_names_an_unknown_topic(kafka: EmbeddedKafka, new_topic: NewTopic) -> None:
    assert await partition_count(kafka.address, await new_topic(partitions=3)) == 3
    with pytest.raises(UnknownTopicOrPartitionError, match="no-such-topic"):
        await partition_count(kafka.address, "no-such-topic")
