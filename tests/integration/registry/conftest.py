"""connections.v1 on the session's broker, empty for each test."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from runtime.embedded_kafka import EmbeddedKafka
from runtime.log_reader import end_offsets
from schemas.topics import CONNECTIONS, config


@pytest.fixture
async def brokers(clean_kafka: EmbeddedKafka) -> AsyncIterator[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=clean_kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(CONNECTIONS.name, 1, 1, topic_configs=config(CONNECTIONS, 28))])
    async with asyncio.timeout(20):
        while not await _is_there(clean_kafka.address):  # noqa: ASYNC110  a broker sets no event
            await asyncio.sleep(0.05)
    yield clean_kafka.address
    await admin.close()


async def _is_there(brokers: str) -> bool:
    try:
        return await end_offsets(brokers, CONNECTIONS.name) == {0: 0}
    except KafkaError:
        return False
