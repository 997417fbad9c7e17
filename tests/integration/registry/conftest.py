"""connections.v1 on the session's broker, empty for each test."""

from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from runtime.embedded_kafka import EmbeddedKafka
from schemas.topics import CONNECTIONS, config


@pytest.fixture
async def brokers(clean_kafka: EmbeddedKafka) -> AsyncIterator[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=clean_kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(CONNECTIONS.name, 1, 1, topic_configs=config(CONNECTIONS, 28))])
    yield clean_kafka.address
    await admin.close()
