"""The way to Kafka alone, without the spool, while the broker goes away and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ingress.append import KafkaAppend
from ingress.producer import Producer
from ingress.reception import Limits
from ingress.room import Room
from runtime.embedded_kafka import EmbeddedKafka
from runtime.log_reader import read_log

PARTITIONS = 4


async def test_while_kafka_is_away_the_answer_is_503_in_time_and_afterwards_200_again(
    start_ingress: Any, own_kafka: EmbeddedKafka, body_of: Callable[..., bytes]
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic("line.events.v1", PARTITIONS, 1), NewTopic("dead.letters.v1", PARTITIONS, 1)])
    await admin.close()
    producer = Producer(own_kafka.address, client_id="test")
    await producer.start()
    ingress = await start_ingress(
        KafkaAppend(producer, Room(100, 10_000_000)), partitions=PARTITIONS, limits=Limits(deadline=0.5)
    )
    assert (await ingress.post(body_of("U-before"))).status == 200
    own_kafka.stop()
    answer = await ingress.post(body_of("U-away"))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    own_kafka.start()
    for _ in range(600):
        if (await ingress.post(body_of("U-after"))).status == 200:
            break
        await asyncio.sleep(0.1)  # a broken producer is replaced in some seconds
    await producer.stop()
    keys = {record.key.decode() async for record in read_log(own_kafka.address, "line.events.v1")}
    assert {"U-before", "U-after"} <= keys
