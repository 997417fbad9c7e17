"""The consumer of changes: where it goes on, and what it knows before its first change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from runtime.metrics import Metrics
from runtime.refusal import Refusal
from runtime.settings import Settings
from schemas.codec import encode
from schemas.outcomes import Outcome
from schemas.topics import CHANGES, OUTCOMES
from sinks.hubspot import recall as module
from sinks.hubspot.memory import Memory
from sinks.hubspot.portal import Portal
from sinks.hubspot.recall import Recall
from sinks.hubspot.sink import HubSpotSink

PLACE = TopicPartition(CHANGES.name, 2)


@pytest.mark.parametrize("gone", [NoOffsetForPartitionError(), OffsetOutOfRangeError({PLACE: 7})])
async def test_a_vanished_offset_ends_the_sink_with_78_and_the_way_out(gone: Exception) -> None:
    """Starting at the earliest would create every contact deleted since."""

    async def nothing(*_: object) -> None:
        return None

    async def getmany(**_: object) -> Any:
        raise gone

    portal = Portal(None, check_portal=nothing, ensure_properties=nothing)
    sink = HubSpotSink(Settings.load({}), "127.0.0.1:1", portal, Metrics("hubspot"))
    sink._consumer = SimpleNamespace(assignment=lambda: {PLACE}, paused=set, getmany=getmany)
    with pytest.raises(Refusal) as refused:
        await sink._read()
    assert (refused.value.exit_code, refused.value.code) == (78, "offset_gone")
    assert "sink reset hubspot" in refused.value.next_step


async def test_what_was_written_is_recalled_before_the_first_change_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcomes of the last hour, and of all since two hours before the first uncommitted change."""
    asked: list[int] = []
    outcome = Outcome(
        friend="U1", revision=1, digest="d", result="created", contact="9", at=5, generation=1, attempts=1
    )

    async def read(brokers: str, topic: str, *, partitions: Any, start: dict[int, int]) -> AsyncIterator[Any]:
        assert (topic, start) == (OUTCOMES.name, {2: 40})
        yield SimpleNamespace(value=b"no json")
        yield SimpleNamespace(value=encode(outcome))

    async def offsets_for_times(times: dict[TopicPartition, int]) -> dict[TopicPartition, Any]:
        asked.extend(times.values())
        return {place: SimpleNamespace(offset=40) for place in times}

    monkeypatch.setattr(module, "read_log", read)
    monkeypatch.setattr(module, "now_ms", lambda: 20_000_000)
    memory = Memory()
    recall, consumer = Recall("127.0.0.1:1", memory), SimpleNamespace(offsets_for_times=offsets_for_times)
    await recall.last_hour(consumer, [2])
    await recall.since_commit(consumer, {2: 15_000_000})
    written = memory.of("U1")
    assert written is not None
    assert written.contact == "9"
    assert asked == [16_400_000, 7_800_000]


async def test_changes_that_come_before_the_sink_knows_that_it_owns_them_are_begun_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aiokafka fetches while it still tells of the assignment; a deliverer that rests would keep them for ever."""

    async def nothing(*_: object) -> None:
        return None

    portal = Portal(None, check_portal=nothing, ensure_properties=nothing)
    sink = HubSpotSink(Settings.load({}), "127.0.0.1:1", portal, Metrics("hubspot"))
    monkeypatch.setattr(sink._recall, "last_hour", nothing)
    monkeypatch.setattr(sink._recall, "since_commit", nothing)
    admitted_while_owner: list[bool] = []
    monkeypatch.setattr(sink._deliverer, "admit", lambda _: admitted_while_owner.append(sink._assigned))
    await sink._deliverer.drain(0.0)
    run = [SimpleNamespace(key=b"U1", value=None, offset=7, timestamp=5)]
    monkeypatch.setattr(sink, "_set_aside", nothing)
    taking = asyncio.ensure_future(sink._take({PLACE: run}))
    await asyncio.sleep(0.01)
    assert not admitted_while_owner
    sink._assigned = True
    async with asyncio.timeout(5):
        await taking
    assert admitted_while_owner == [True]
