"""The hardened consumer and app, without a broker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord
from faust.tables.recovery import Recovery
from faust.types import TP

from processors import hardening
from processors.hardening import LaneConsumer
from runtime.lease import LeaseLost
from schemas import topics

EVENTS = TP(topics.EVENTS.name, 3)


class Died(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def death(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(code: int, why: str) -> None:
        raise Died(code, why)

    monkeypatch.setattr(hardening, "die", die)


@pytest.fixture
async def app(app_of: Any) -> Any:
    return app_of()


@pytest.fixture
async def consumer(app: Any) -> LaneConsumer:
    consumer = app.consumer
    assert isinstance(consumer, LaneConsumer)
    consumer._committed_offset[EVENTS] = 10
    consumer.watermark.begin({EVENTS: 10})
    return consumer


def record(offset: int, tp: TP = EVENTS) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(tp.topic, tp.partition, offset, 1_763_800_000_000, 0, b"k", b"v", None, 1, 1, ())


def run_of(consumer: LaneConsumer, first: int, after: int) -> Any:
    (message,) = consumer._messages(EVENTS, [record(offset) for offset in range(first, after)])
    return message


async def test_a_run_is_one_message_that_stands_at_its_last_offset(consumer: LaneConsumer) -> None:
    message = run_of(consumer, 10, 15)
    assert message.offset == 14
    assert [r.offset for r in message.value] == [10, 11, 12, 13, 14]


async def test_changelog_records_come_one_by_one(consumer: LaneConsumer) -> None:
    friends = TP(topics.FRIENDS.name, 3)
    assert len(consumer._messages(friends, [record(1, friends), record(2, friends)])) == 2


async def test_one_run_for_each_partition_of_a_fetch(consumer: LaneConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetched(timeout: float) -> Any:
        where = TopicPartition(*EVENTS)
        return {where: [record(10), record(11)]}, {EVENTS}

    monkeypatch.setattr(consumer, "_wait_next_records", fetched)
    monkeypatch.setattr(consumer, "highwater", lambda tp: 12)
    consumer.resume_flow()
    assert [(tp, message.offset) async for tp, message in consumer.getmany(1.0)] == [(EVENTS, 11)]


async def test_nothing_of_an_older_generation_is_handed_on(consumer: LaneConsumer, monkeypatch: Any) -> None:
    async def fetched(timeout: float) -> Any:
        return {TopicPartition(*EVENTS): [record(10)]}, {EVENTS}

    monkeypatch.setattr(consumer, "_wait_next_records", fetched)
    monkeypatch.setattr(consumer, "highwater", lambda tp: 12)
    monkeypatch.setattr(consumer, "_interrupted", lambda generation: True)
    consumer.resume_flow()
    assert [pair async for pair in consumer.getmany(1.0)] == []


async def test_what_is_fetched_while_the_flow_is_stopped_is_sought_again(consumer: Any, monkeypatch: Any) -> None:
    sought: list[str] = []

    async def fetched(timeout: float) -> Any:
        return {TopicPartition(*EVENTS): [record(10)]}, {EVENTS}

    async def seek() -> dict[TP, int]:
        sought.append("sources")
        return {}

    monkeypatch.setattr(consumer, "_wait_next_records", fetched)
    monkeypatch.setattr(consumer, "_seek_sources", seek)
    consumer.stop_flow()
    assert [pair async for pair in consumer.getmany(1.0)] == []
    assert sought == ["sources"]
    assert consumer.watermark.handled() == {EVENTS: 10}, "only a finished recovery moves the base"


async def test_the_end_of_acknowledged_runs_is_committed(consumer: LaneConsumer) -> None:
    consumer.app.topics._acking_topics = {topics.EVENTS.name}
    assert consumer._new_offset(EVENTS) is None
    consumer.ack(run_of(consumer, 10, 15))
    assert consumer._new_offset(EVENTS) == 15


async def test_a_run_that_is_not_acknowledged_is_not_committed(consumer: LaneConsumer) -> None:
    run_of(consumer, 10, 15)
    assert consumer._new_offset(EVENTS) is None


async def test_a_hole_between_runs_ends_the_process(consumer: LaneConsumer) -> None:
    consumer.app.topics._acking_topics = {topics.EVENTS.name}
    consumer.ack(run_of(consumer, 12, 15))
    with pytest.raises(Died) as died:
        consumer._new_offset(EVENTS)
    assert died.value.args[0] == 70
    assert "was never handled" in died.value.args[1]


async def test_nothing_is_committed_after_a_revocation(consumer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(revoked: set[TP]) -> None:
        return None

    monkeypatch.setattr(hardening.driver.Consumer, "on_partitions_revoked", lambda self, revoked: nothing(revoked))
    run = run_of(consumer, 10, 15)
    await consumer.on_partitions_revoked({EVENTS})
    consumer.ack(run)
    assert consumer._new_offset(EVENTS) is None


async def test_gaps_are_none_of_a_lanes_business(consumer: LaneConsumer) -> None:
    await consumer._add_gap(EVENTS, 1, 5)
    assert not consumer._gap[EVENTS]


async def test_an_exception_in_the_agent_ends_the_process(app: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Died) as died:
        await app._on_agent_error(None, ValueError("x"))
    assert died.value.args[0] == 70


async def test_a_lost_lease_ends_the_process_in_one_line(app: Any) -> None:
    with pytest.raises(Died) as died:
        await app._on_agent_error(None, LeaseLost("last good heartbeat 9 s ago"))
    assert died.value.args == (70, "lease lost: last good heartbeat 9 s ago")


async def test_a_failed_send_of_fausts_own_producer_ends_the_process() -> None:
    with pytest.raises(Died):
        hardening._FailFast().on_send_error(None, RuntimeError(), None)


async def test_an_owner_is_confirmed_by_a_heartbeat_sent_after_the_question(app: Any) -> None:
    app.lease.renew(hardening.monotonic())
    asking = asyncio.ensure_future(app.confirmed_owner())
    await asyncio.sleep(0)
    assert not asking.done()
    app.lease.renew(hardening.monotonic() + 0.001)
    await asking


async def test_a_new_generation_is_no_confirmation(app: Any) -> None:
    app.lease.renew(hardening.monotonic())
    asking = asyncio.ensure_future(app.confirmed_owner())
    await asyncio.sleep(0)
    app.consumer_generation_id += 1
    app.lease.renew(hardening.monotonic() + 0.001)
    with pytest.raises(LeaseLost):
        await asking


async def test_without_heartbeats_the_lease_ends_while_asking(app: Any) -> None:
    with pytest.raises(LeaseLost):
        await app.confirmed_owner()


async def test_a_worker_that_never_started_is_not_ready(app: Any) -> None:
    assert app.ready() is False
    assert app.owned_partitions() == set()
    assert set(app.lags()) == {topic.name for topic in topics.FOLD_SOURCES}


async def test_the_flow_is_stopped_before_recovery_seeks(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock seeks while the flow runs, then clears the queues: what was fetched between is lost."""
    flow: list[bool] = []

    async def stock(self: Recovery, generation_id: int = 0) -> None:
        flow.append(self.app.consumer.flow_active)

    monkeypatch.setattr(Recovery, "on_recovery_completed", stock)
    app.consumer.resume_flow()
    await app.tables.recovery.on_recovery_completed(1)
    assert flow == [False]
