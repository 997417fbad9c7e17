"""The shell around the fold: what is written when, and what happens to a run whose effects fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from domain.policy import FoldPolicy
from processors import hardening
from processors.flow import FlowCounters
from processors.fold_agent import FoldAgent
from runtime.appender import Outgoing
from runtime.lease import LeaseLost
from runtime.metrics import Metrics
from schemas import topics
from schemas.friends import read_friend_state

P = 3
FRIEND = "U" + "a" * 32


class Kafka:
    """Topics and table of one partition; `diary` has what happened, `gate` holds acknowledgements of a topic back."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.refused: set[str] = set()
        self.data: dict[bytes, bytes] = {}

    async def append(self, topic: str, partition: int, records: Iterable[Outgoing]) -> int | None:
        found = list(records)
        if not found:
            return None
        assert partition == P
        if topic in self.gates:
            await self.gates[topic].wait()
        await asyncio.sleep(0)
        if topic in self.refused:
            raise OSError("planted")
        self.diary.append(f"{topic} acknowledged")
        return len(found) - 1


class Table:
    """The part of a StateTable that the agent uses."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka

    def rows(self, partition: int) -> Any:
        self.kafka.diary.append("rows read")
        return self.kafka.data.get

    async def append(self, appender: Kafka, partition: int, states: list[tuple[bytes, bytes]]) -> int | None:
        return await appender.append(topics.FRIENDS.name, partition, [(key, value, []) for key, value in states])

    def apply(self, partition: int, states: list[tuple[bytes, bytes]], last: int | None) -> None:
        self.kafka.diary.append("rows changed")
        self.kafka.data |= dict(states)


class Run:
    """One run as Faust hands it over."""

    def __init__(self, kafka: Kafka, records: list[Any], topic: str = topics.EVENTS.name) -> None:
        self.message = SimpleNamespace(topic=topic, partition=P)
        self.value = records
        self._diary = kafka.diary

    def ack(self) -> None:
        self._diary.append("run acknowledged")


class Stream:
    """An agent's stream of runs."""

    def __init__(self, *runs: Run) -> None:
        self.runs = runs

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Run]:
        for run in self.runs:
            yield run


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def agent(kafka: Kafka) -> FoldAgent:
    table: Any = Table(kafka)
    appender: Any = kafka
    return FoldAgent(table, appender, FoldPolicy(), FlowCounters(Metrics("fold")), lambda: 1_763_800_000_000)


async def test_the_order_of_a_run(agent: FoldAgent, kafka: Kafka, message: Any) -> None:
    """Read the rows; emit; persist; change the rows; acknowledge the run."""
    await agent.fold(Stream(Run(kafka, [message("a", offset=1)])))
    effects = {topics.CHANGES.name, topics.REQUESTS.name, topics.DECISIONS.name}
    assert kafka.diary[0] == "rows read"
    assert set(kafka.diary[1:4]) == {f"{topic} acknowledged" for topic in effects}
    assert kafka.diary[4:] == [f"{topics.FRIENDS.name} acknowledged", "rows changed", "run acknowledged"]


@pytest.mark.parametrize("topic", [topics.CHANGES.name, topics.REQUESTS.name, topics.DECISIONS.name])
async def test_the_state_waits_for_the_acknowledgement_of_every_effect(
    agent: FoldAgent, kafka: Kafka, message: Any, topic: str
) -> None:
    kafka.gates[topic] = asyncio.Event()
    folding = asyncio.ensure_future(agent.fold(Stream(Run(kafka, [message("a", offset=1)]))))
    for _ in range(20):
        await asyncio.sleep(0)
    assert f"{topics.FRIENDS.name} acknowledged" not in kafka.diary
    kafka.gates[topic].set()
    await folding
    assert kafka.diary[-1] == "run acknowledged"


@pytest.mark.parametrize("topic", [topics.CHANGES.name, topics.DECISIONS.name, topics.FRIENDS.name])
async def test_a_run_whose_effects_fail_is_neither_persisted_nor_acknowledged(
    agent: FoldAgent, kafka: Kafka, message: Any, topic: str
) -> None:
    kafka.refused = {topic}
    with pytest.raises(OSError, match="planted"):
        await agent.fold(Stream(Run(kafka, [message("a", offset=1)]), Run(kafka, [message("b", offset=2)])))
    assert not {"rows changed", "run acknowledged"} & set(kafka.diary)
    assert kafka.data == {}


async def test_runs_of_one_partition_number_do_not_interleave(agent: FoldAgent, kafka: Kafka, message: Any) -> None:
    """Two streams (as two topics' actors) on one friend: the second reads the row that the first has written."""
    kafka.gates[topics.CHANGES.name] = asyncio.Event()
    first = asyncio.ensure_future(agent.fold(Stream(Run(kafka, [message("a", offset=1)]))))
    second = asyncio.ensure_future(agent.fold(Stream(Run(kafka, [message("b", offset=2)]))))
    for _ in range(20):
        await asyncio.sleep(0)
    kafka.gates[topics.CHANGES.name].set()
    await asyncio.gather(first, second)
    assert read_friend_state(kafka.data[FRIEND.encode()]).revision == 2
    assert kafka.diary.index("run acknowledged") < kafka.diary.index("rows read", 1)


async def test_received_is_sent_and_discarded_and_in_flight(agent: FoldAgent, kafka: Kafka, message: Any) -> None:
    """Also while a run is in hand, and with a record in it that nobody can read."""
    broken = message("x", offset=2)
    broken.value = b"no json"
    kafka.gates[topics.CHANGES.name] = asyncio.Event()
    folding = asyncio.ensure_future(agent.fold(Stream(Run(kafka, [message("a", offset=1), broken]))))
    for _ in range(20):
        await asyncio.sleep(0)
    flow = agent._counters
    assert (flow.received, flow.sent, flow.discarded.total(), flow.in_flight) == (2, 0, 0, 2)
    kafka.gates[topics.CHANGES.name].set()
    await folding
    assert (flow.received, flow.sent, dict(flow.discarded), flow.in_flight) == (2, 1, {"unreadable": 1}, 0)


async def test_the_fold_writes_nothing_without_the_lease(app_of: Any) -> None:
    """The worker's own appender: before the first confirmed heartbeat nothing is handed to Kafka."""
    appender = app_of().appender
    handed_over: list[str] = []

    class Producer:
        def create_batch(self) -> Any:
            return SimpleNamespace(append=lambda **record: True, close=lambda: None)

        async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
            handed_over.append(topic)
            answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            answer.set_result(SimpleNamespace(offset=0))
            return answer

    appender._producer = Producer()
    with pytest.raises(LeaseLost):
        await appender.append(topics.CHANGES.name, P, [(b"k", b"v", [])])
    assert handed_over == []


async def test_a_source_without_a_committed_offset_is_read_from_its_beginning(app_of: Any, monkeypatch: Any) -> None:
    """Stock Faust leaves it where the last fetch left it, and what that fetch brought may have been thrown away."""
    consumer = app_of().consumer
    fresh, known = TP(topics.EVENTS.name, 0), TP(topics.EVENTS.name, 1)
    sought: dict[TP, int] = {}

    async def stock(self: Any) -> None:
        self._committed_offset[known] = 7

    async def earliest(*places: TP) -> dict[TP, int]:
        return dict.fromkeys(places, 2)

    async def seek(places: dict[TP, int]) -> None:
        sought.update(places)

    monkeypatch.setattr(hardening.driver.Consumer, "perform_seek", stock)
    monkeypatch.setattr(consumer, "assignment", lambda: {fresh, known, TP(topics.FRIENDS.name, 0)})
    monkeypatch.setattr(consumer, "earliest_offsets", earliest)
    monkeypatch.setattr(consumer, "seek_wait", seek)
    await consumer.perform_seek()
    assert sought == {fresh: 2}
    assert consumer.watermark.handled() == {fresh: 2, known: 7}


async def test_a_dead_group_coordination_ends_the_process(app_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust never asks aiokafka whether it died."""

    class Died(BaseException):
        pass

    def die(code: int, why: str) -> None:
        raise Died(code, why)

    def dead() -> None:
        raise RuntimeError("group authorization failed")

    monkeypatch.setattr(hardening, "die", die)
    app = app_of()
    coordinator = SimpleNamespace(_coordination_task=None, check_errors=dead)
    app._consumer = SimpleNamespace(_thread=SimpleNamespace(_consumer=SimpleNamespace(_coordinator=coordinator)))
    with pytest.raises(Died) as died:
        app._watch_group(every=0.001)
    assert died.value.args[0] == 70
