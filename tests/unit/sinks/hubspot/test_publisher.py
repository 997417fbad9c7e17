"""Outcomes out and acknowledged, then offsets, and never without the lease."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from domain.delivery import begin
from runtime.appender import Outgoing
from runtime.lease import Lease, LeaseLost
from runtime.metrics import Metrics
from schemas.changes import Change
from schemas.marks import Trigger
from schemas.outcomes import Outcome
from sinks.hubspot.lanes import Work
from sinks.hubspot.publisher import Publisher
from sinks.progress import Progress


class Kafka:
    """One log of outcomes and the commits, in the order they happened."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.raises: list[Exception] = []

    async def append(self, topic: str, partition: int, records: Iterable[Outgoing]) -> None:
        if self.raises:
            raise self.raises.pop(0)
        await self.gate.wait()
        self.diary.append(f"{topic}-{partition} acknowledged")

    async def commit(self, offsets: Mapping[int, int]) -> None:
        self.diary += [f"committed {partition}@{offset}" for partition, offset in offsets.items()]


def answered(offset: int, partition: int = 1) -> tuple[Work, Outcome]:
    friend = f"U{offset}"
    change = Change(
        friend=friend, revision=1, digest="d", emitted_at=1, may_create=Trigger(id="e", at=1, kind="follow"),
        email=f"{friend}@line.me", properties={}, causes=(), more_causes=0,
    )  # fmt: skip
    delivery: Any = begin(change)
    outcome = Outcome(
        friend=friend, revision=1, digest="d", result="created", contact="9", at=2, generation=1, attempts=1
    )
    return Work(partition=partition, offset=offset, delivery=delivery), outcome


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def progress() -> Progress:
    progress = Progress()
    for offset in (1, 2, 3):
        progress.taken(1, offset)
    return progress


@pytest.fixture
def publisher(kafka: Kafka, progress: Progress) -> Publisher:
    appender: Any = kafka
    return Publisher(appender, progress, kafka.commit, Lease(6), Metrics("hubspot"))


async def test_an_offset_is_committed_after_its_outcome_is_acknowledged(publisher: Publisher, kafka: Kafka) -> None:
    kafka.gate.clear()
    publishing = asyncio.ensure_future(publisher.publish([answered(1)]))
    for _ in range(10):
        await asyncio.sleep(0)
    assert kafka.diary == []
    kafka.gate.set()
    await publishing
    assert kafka.diary == ["contact.outcomes.v1-1 acknowledged", "committed 1@2"]


async def test_a_refused_outcome_ends_the_sink_and_commits_nothing(publisher: Publisher, kafka: Kafka) -> None:
    kafka.raises = [KafkaConnectionError()]
    with pytest.raises(KafkaConnectionError):
        await publisher.publish([answered(1)])
    assert kafka.diary == []


async def test_a_later_change_that_is_done_first_waits_for_the_one_before(publisher: Publisher, kafka: Kafka) -> None:
    await publisher.publish([answered(2)])
    assert [line for line in kafka.diary if line.startswith("committed")] == ["committed 1@1"]
    await publisher.publish([answered(1)])
    assert kafka.diary[-1] == "committed 1@3"


async def test_without_the_lease_an_outcome_waits(publisher: Publisher, kafka: Kafka, monkeypatch: Any) -> None:
    monkeypatch.setattr("sinks.hubspot.publisher._LOOK_AGAIN", 0.0)
    kafka.raises = [LeaseLost("away"), LeaseLost("away")]
    await publisher.publish([answered(1)])
    assert kafka.diary == ["contact.outcomes.v1-1 acknowledged", "committed 1@2"]
