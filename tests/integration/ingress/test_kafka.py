"""The ingress on real Kafka: what was answered 200 is in the log, whatever happens to the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiokafka import ConsumerRecord

from ingress.append import KafkaAppend
from ingress.producer import Producer, Unavailable
from ingress.records import KafkaRecord
from ingress.room import Room
from runtime.appender import partition_of
from runtime.embedded_kafka import EmbeddedKafka
from runtime.log_reader import read_log
from runtime.settings import Settings
from schemas.events import read_event_record

Body = Callable[..., bytes]


@asynccontextmanager
async def appending(brokers: str) -> AsyncIterator[KafkaAppend]:
    producer = Producer(brokers, client_id="test")
    await producer.start()
    append = KafkaAppend(producer, Room(100, 10_000_000))
    try:
        yield append
        await append.flush(30)
    finally:
        await producer.stop()


async def logged(brokers: str, topic: str = "line.events.v1") -> list[ConsumerRecord]:
    return [record async for record in read_log(brokers, topic)]


@pytest.fixture
async def on_kafka(topics: Settings) -> AsyncIterator[KafkaAppend]:
    async with appending(topics.kafka) as append:
        yield append


async def test_events_are_in_the_log_as_the_contract_says(
    start_ingress: Any, on_kafka: KafkaAppend, topics: Settings, body_of: Body
) -> None:
    ingress = await start_ingress(on_kafka, partitions=topics.partitions)
    users = [f"U{number}" for number in range(20)]
    assert (await ingress.post(body_of(*users))).status == 200
    records = await logged(topics.kafka)
    assert sorted(record.key.decode() for record in records) == sorted(users)
    for record in records:
        value = read_event_record(record.value)
        headers = dict(record.headers)
        assert record.partition == partition_of(record.key, topics.partitions)
        assert record.timestamp == value.received_at
        assert headers["ce_id"].decode() == value.event["webhookEventId"]
        assert value.event["source"]["userId"] == record.key.decode()


async def test_what_is_no_webhook_is_in_the_dead_letters_byte_for_byte(
    start_ingress: Any, on_kafka: KafkaAppend, topics: Settings
) -> None:
    ingress = await start_ingress(on_kafka, partitions=topics.partitions)
    assert (await ingress.post(b"\x00 hello")).status == 200
    (letter,) = await logged(topics.kafka, "dead.letters.v1")
    assert letter.value == b"\x00 hello"
    assert dict(letter.headers)["dl_reason"] == b"not_a_webhook"
    assert await logged(topics.kafka) == []


async def test_many_requests_at_once_are_all_logged_once_and_in_batches(
    start_ingress: Any, on_kafka: KafkaAppend, topics: Settings, body_of: Body
) -> None:
    ingress = await start_ingress(on_kafka, partitions=topics.partitions)
    answers = await asyncio.gather(*[ingress.post(body_of(f"U{number}", f"U{number}")) for number in range(200)])
    assert {answer.status for answer in answers} == {200}
    keys = [record.key.decode() for record in await logged(topics.kafka)]
    assert sorted(keys) == sorted(f"U{number}" for number in range(200) for _ in range(2))


async def test_a_stop_in_mid_flight_loses_nothing_that_was_answered_200(
    on_kafka: KafkaAppend, topics: Settings, body_of: Body, start_ingress: Any
) -> None:
    ingress = await start_ingress(on_kafka, partitions=topics.partitions)
    accepted: set[str] = set()
    enough = asyncio.Event()

    async def traffic(worker: int) -> None:
        for number in range(10_000):
            user = f"U{worker}-{number}"
            try:
                answer = await ingress.post(body_of(user))
            except aiohttp.ClientError:
                return
            if answer.status == 200:
                accepted.add(user)
            if len(accepted) >= 100:
                enough.set()

    workers = [asyncio.create_task(traffic(worker)) for worker in range(8)]
    await enough.wait()
    await ingress.stop()
    await asyncio.gather(*workers)
    assert accepted <= {record.key.decode() for record in await logged(topics.kafka)}


async def test_a_batch_that_kafka_refuses_is_503_and_the_next_one_is_taken(
    start_ingress: Any, new_topic: Callable[..., Awaitable[str]], kafka: EmbeddedKafka
) -> None:
    topic = await new_topic(1, **{"max.message.bytes": "1000"})
    async with appending(kafka.address) as append:
        with pytest.raises(Unavailable, match="MessageSizeTooLarge"):
            await append.append([KafkaRecord(topic, 0, b"k", b"x" * 5000, [], 1)])
        for _ in range(600):  # while the producer is being replaced
            try:
                await append.append([KafkaRecord(topic, 0, b"k", b"small", [], 1)])
                break
            except Unavailable:
                await asyncio.sleep(0.05)
    assert [record.value async for record in read_log(kafka.address, topic)] == [b"small"]
