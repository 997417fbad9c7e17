"""What becomes of the LINE sink when Kafka stumbles while partitions change hands."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from runtime.lease import Lease
from runtime.metrics import Metrics
from runtime.settings import Settings
from schemas.topics import REQUESTS
from sinks.line.profiles import Profiles
from sinks.line.sink import LineSink

PARTITIONS = [TopicPartition(REQUESTS.name, 0)]


class Stumbling:
    """A consumer, a group membership and an appender that fail as they are told."""

    def __init__(self) -> None:
        self.committed: dict[Any, int] = {}

    async def beat(self) -> bool:
        return True

    async def end_offsets(self, partitions: object) -> dict[TopicPartition, int]:
        raise KafkaTimeoutError

    async def append(self, *_: object) -> None:
        raise KafkaTimeoutError


@pytest.fixture
async def sink(profiles: Profiles) -> LineSink:
    made = LineSink(Settings.load({}), "kafka:9092", Lease(10.0), profiles, SimpleNamespace(), Metrics("line"))  # type: ignore[arg-type]
    made._consumer = made._membership = made._appender = Stumbling()  # type: ignore[assignment]
    made._broken = asyncio.get_running_loop().create_future()
    return made


async def test_who_cannot_become_the_owner_ends_for_aiokafka_would_swallow_the_error(sink: LineSink) -> None:
    await sink.on_partitions_assigned(PARTITIONS)
    assert not sink.ready
    assert sink._broken is not None
    with pytest.raises(KafkaTimeoutError):
        await sink._broken


async def test_an_offset_whose_answer_could_not_be_published_does_not_hold_a_partition_that_comes_back(
    sink: LineSink,
) -> None:
    sink._progress.taken(0, 5)
    sink._finish((0, 5, REQUESTS.name, (b"U1", b"{}", [])))
    with pytest.raises(KafkaTimeoutError):
        await sink.on_partitions_revoked(PARTITIONS)
    sink._progress.taken(0, 100)
    sink._progress.done(0, 100)
    assert sink._progress.committable() == {0: 101}
