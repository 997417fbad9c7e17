"""Appending to real Kafka: acknowledged, in order, at known offsets, nothing half."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from runtime.appender import LARGEST_RECORD, Appender, Outgoing, TooLarge, partition_of
from runtime.embedded_kafka import EmbeddedKafka
from runtime.log_reader import end_offsets, read_log

NewTopic = Callable[..., Awaitable[str]]


@pytest.fixture
async def appender(kafka: EmbeddedKafka) -> AsyncIterator[Appender]:
    appender = Appender(kafka.address, client_id="test")
    await appender.start()
    yield appender
    await appender.stop()


def _numbered(count: int, size: int = 10) -> list[Outgoing]:
    return [(b"k", b"%08d" % number + b"." * size, []) for number in range(count)]


async def test_returns_the_offset_of_the_last_record_and_keeps_the_order_over_many_batches(
    kafka: EmbeddedKafka, appender: Appender, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    assert await appender.append(topic, 0, []) is None
    assert await appender.append(topic, 0, _numbered(3)) == 2
    assert await appender.append(topic, 0, _numbered(200, size=20_000)) == 202
    values = [record.value[:8] async for record in read_log(kafka.address, topic)]
    assert values == [b"%08d" % number for number in [*range(3), *range(200)]]


async def test_key_value_headers_and_timestamp_arrive_byte_for_byte(
    kafka: EmbeddedKafka, appender: Appender, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    await appender.append(topic, 0, [(None, b"\xff\x00", [("a", b"1"), ("a", b"2")]), (b"k", None, [])], timestamp=1234)
    first, second = [record async for record in read_log(kafka.address, topic)]
    assert (first.key, first.value, list(first.headers)) == (None, b"\xff\x00", [("a", b"1"), ("a", b"2")])
    assert (second.key, second.value, second.timestamp) == (b"k", None, 1234)


async def test_a_record_close_to_the_limit_arrives(
    kafka: EmbeddedKafka, new_topic: NewTopic, appender: Appender
) -> None:
    topic = await new_topic(**{"max.message.bytes": str(LARGEST_RECORD)})
    assert await appender.append(topic, 0, [(b"k", b"x" * (LARGEST_RECORD - 200), []), *_numbered(1)]) == 1


async def test_a_record_over_the_limit_raises_and_nothing_of_the_call_is_sent(
    kafka: EmbeddedKafka, appender: Appender, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    with pytest.raises(TooLarge):
        await appender.append(topic, 0, [*_numbered(2), (b"k", b"x" * LARGEST_RECORD, [])])
    assert await end_offsets(kafka.address, topic) == {0: 0}


async def test_by_key_chooses_the_partition_that_java_chooses(
    kafka: EmbeddedKafka, appender: Appender, new_topic: NewTopic
) -> None:
    topic = await new_topic(partitions=4)
    keys = [b"U%032x" % number for number in range(40)]
    await appender.append_by_key(topic, 4, [(key, b"v", []) for key in keys])
    found = {record.key: record.partition async for record in read_log(kafka.address, topic)}
    assert found == {key: partition_of(key, 4) for key in keys}
    assert len(set(found.values())) == 4


async def test_a_guard_that_raises_stops_the_batch(kafka: EmbeddedKafka, new_topic: NewTopic) -> None:
    def guard() -> None:
        raise RuntimeError("not ours any more")

    topic = await new_topic()
    appender = Appender(kafka.address, client_id="test", guard=guard)
    with pytest.raises(RuntimeError, match="not ours"):
        await appender.append(topic, 0, _numbered(1))
    await appender.stop()
    assert await end_offsets(kafka.address, topic) == {0: 0}


async def test_a_topic_that_does_not_exist_raises_within_the_timeout(kafka: EmbeddedKafka) -> None:
    appender = Appender(kafka.address, client_id="test", timeout=1)
    with pytest.raises(Exception, match=r"(?i)topic|timeout") as caught:
        await appender.append("no-such-topic", 0, _numbered(1))
    assert not isinstance(caught.value, TooLarge)
    await appender.stop()
