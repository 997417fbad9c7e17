"""Who was erased cannot be read any more: compaction on real Kafka, with its day made a moment."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from runtime.appender import Appender, partition_of
from runtime.log_reader import read_log
from schemas import topics as declared

FRIEND, LIVING = "U" + "e" * 32, "U" + "f" * 32
SECRET = "my card number is 1234"
SHORT = {
    "segment.ms": "500",
    "max.compaction.lag.ms": "500",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "0",
}


def shorten(brokers: str) -> None:
    resources = [
        ConfigResource(
            "topic",
            topic.name,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in SHORT.items()
            ],
        )
        for topic in (declared.FRIENDS, declared.CHANGES)
    ]
    admin = AdminClient({"bootstrap.servers": brokers})  # has to live until its calls are done
    for done in admin.incremental_alter_configs(resources).values():
        done.result(timeout=30)


async def order_erasure(brokers: str, partitions: int) -> None:
    event = {"type": "erase", "timestamp": 1_763_900_000_000, "source": {"type": "user", "userId": FRIEND}}
    value = {"connection": 1, "received_at": 1_763_900_000_000, "origin": "operator", "event": event}
    appender = Appender(brokers, client_id="test")
    key = FRIEND.encode()
    await appender.append(declared.EVENTS.name, partition_of(key, partitions), [(key, orjson.dumps(value), [])])
    await appender.stop()


async def bytes_of(brokers: str, topic: str) -> bytes:
    """Every byte that can still be read from the topic, old offsets included."""
    return b"\n".join([record.value or b"" async for record in read_log(brokers, topic)])


@pytest.mark.long
async def test_no_byte_of_an_erased_friend_stays_readable_in_a_quiet_topic(
    topics: Any, world: Any, start_worker: Any, until: Any
) -> None:
    """Nobody writes after the erasure: the worker itself lets Kafka close the segments that hold the text."""
    brokers = world.brokers
    shorten(brokers)
    await world.tell((FRIEND, SECRET), (LIVING, "hello"))
    worker = start_worker("a", "with-quick-rolls")

    async def told() -> bool:
        both = [await bytes_of(brokers, topic.name) for topic in (declared.FRIENDS, declared.CHANGES)]
        return all(SECRET.encode() in found for found in both)

    await until(told)
    await order_erasure(brokers, topics.partitions)

    async def forgotten() -> bool:
        both = [await bytes_of(brokers, topic.name) for topic in (declared.FRIENDS, declared.CHANGES)]
        return not any(SECRET.encode() in found for found in both)

    await until(forgotten, 120.0)
    states = await world.states()
    assert states[LIVING].connections["1"].inbound.text == "hello", "the others are as they were"
    assert b"hello" in await bytes_of(brokers, declared.CHANGES.name)
    assert await worker.stop() == 0
