"""Waiting for Kafka: at once when it is there, bounded and plain when it is not."""

from __future__ import annotations

import pytest

from runtime.brokers import wait_until_reachable
from runtime.embedded_kafka import EmbeddedKafka
from runtime.refusal import UNAVAILABLE, Refusal


async def test_returns_when_kafka_answers(kafka: EmbeddedKafka) -> None:
    await wait_until_reachable(kafka.address, timeout=5)


async def test_kafka_away_is_refused_with_its_address_after_a_bounded_wait() -> None:
    with pytest.raises(Refusal, match="did not answer") as caught:
        await wait_until_reachable("127.0.0.1:9", timeout=0.5)
    assert caught.value.exit_code == UNAVAILABLE
    assert caught.value.where == "127.0.0.1:9"
