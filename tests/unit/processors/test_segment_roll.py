"""The hourly record that lets Kafka close a segment: it says nothing new, and only to what is ours."""

from __future__ import annotations

from typing import Any

import pytest
from faust.types import TP

from processors import row_store
from processors.segment_roll import SegmentRoll
from runtime.appender import Outgoing
from schemas import topics


class Log:
    """What was appended, by topic and partition."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Outgoing]] = {}

    async def append(self, topic: str, partition: int, records: Any) -> int | None:
        known = self.records.setdefault((topic, partition), [])
        known += list(records)
        return len(known) - 1


@pytest.fixture
async def app(app_of: Any) -> Any:
    app = app_of()
    app.consumer_generation_id = 7
    for partition in range(4):
        app.tables.recovery.active_highwaters[TP(topics.FRIENDS.name, partition)] = -1
    return app


async def test_each_partition_with_rows_gets_one_row_as_it_is_and_an_empty_change_of_nobody(app: Any) -> None:
    row_store.write(app.friends.data, 1, [(b"a", b"1"), (b"b", b"2")])
    row_store.write(app.friends.data, 3, [(b"foreign", b"3")])
    log = Log()
    await SegmentRoll(app.friends, log, app.agent_body.locks, lambda: {0, 1})()  # type: ignore[arg-type]  # a fake
    assert log.records == {
        (topics.FRIENDS.name, 1): [(b"a", b"1", [])],
        (topics.CHANGES.name, 1): [(topics.NOBODY, None, [])],
    }
    assert app.friends.rows(1)(b"a") == b"1"


async def test_a_partition_that_is_lost_while_its_lock_is_waited_for_is_left_alone(app: Any) -> None:
    row_store.write(app.friends.data, 1, [(b"a", b"1")])
    log, owned = Log(), iter([{1}, set[int]()])
    await SegmentRoll(app.friends, log, app.agent_body.locks, lambda: next(owned))()  # type: ignore[arg-type]  # a fake
    assert log.records == {}
