"""The changelog is ours: acknowledged first, without a gap, and a stale writer is overruled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from processors import state_table
from processors.app import FoldApp
from runtime.appender import Outgoing
from runtime.lease import LeaseLost
from schemas import topics

P = 2


class Log:
    """A changelog partition: our appends, and what others write between them."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None]] = []
        self.intrusions: list[list[tuple[bytes, bytes]]] = []

    async def append(self, topic: str, partition: int, records: Iterable[Outgoing]) -> int | None:
        assert (topic, partition) == (topics.FRIENDS.name, P)
        if self.intrusions:
            self.records += self.intrusions.pop(0)
        self.records += [(key, value) for key, value, _ in records]
        return len(self.records) - 1

    async def read(
        self, brokers: str, topic: str, *, partitions: list[int], start: dict[int, int]
    ) -> AsyncIterator[SimpleNamespace]:
        for offset, (key, value) in list(enumerate(self.records))[start[P] :]:
            yield SimpleNamespace(offset=offset, key=key, value=value)

    def latest(self) -> dict[bytes | None, bytes | None]:
        return dict(self.records)


@pytest.fixture
async def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    log = Log()
    monkeypatch.setattr(state_table, "read_log", log.read)
    return log


@pytest.fixture
async def app(app_of: Any) -> FoldApp:
    app: FoldApp = app_of()
    app.consumer_generation_id = 7
    app.tables.recovery.active_highwaters[TP(topics.FRIENDS.name, P)] = -1

    async def confirmed_owner() -> None:
        return None

    app.confirmed_owner = confirmed_owner  # type: ignore[method-assign]  # the group confirms us
    return app


async def append(app: FoldApp, log: Any, *states: tuple[bytes, bytes]) -> int | None:
    last = await app.friends.append(log, P, states)
    app.friends.apply(P, states, last)
    return last


async def test_our_records_follow_each_other(app: FoldApp, log: Log) -> None:
    assert await append(app, log, (b"a", b"1"), (b"b", b"1")) == 1
    assert await append(app, log, (b"a", b"2")) == 2
    assert await append(app, log) is None
    assert app.overruled == 0
    assert app.friends.rows(P)(b"a") == b"2"


async def test_a_stale_row_between_ours_is_overruled_with_what_we_know(app: FoldApp, log: Log) -> None:
    await append(app, log, (b"a", b"1"), (b"b", b"1"))
    log.intrusions = [[(b"a", b"stale"), (b"unknown", b"stale")]]
    last = await append(app, log, (b"b", b"2"))
    assert log.latest() == {b"a": b"1", b"b": b"2", b"unknown": None}
    assert last == len(log.records) - 1
    assert app.overruled == 3, "the range holds our own record, too"
    assert await append(app, log, (b"a", b"3")) == last + 1


async def test_a_stale_row_of_the_friend_in_hand_loses_to_the_new_state(app: FoldApp, log: Log) -> None:
    await append(app, log, (b"a", b"1"))
    log.intrusions = [[(b"a", b"stale")]]
    await append(app, log, (b"a", b"2"))
    assert log.latest() == {b"a": b"2"}


async def test_the_intruder_may_write_while_it_is_overruled(app: FoldApp, log: Log) -> None:
    await append(app, log, (b"a", b"1"), (b"b", b"1"))
    log.intrusions = [[(b"a", b"stale")], [(b"b", b"stale")], []]
    await append(app, log, (b"c", b"1"))
    assert log.latest() == {b"a": b"1", b"b": b"1", b"c": b"1"}


async def test_who_is_not_confirmed_does_not_overrule(app: FoldApp, log: Log) -> None:
    async def refused() -> None:
        raise LeaseLost("the group has another generation")

    app.confirmed_owner = refused  # type: ignore[method-assign]  # the group does not confirm us
    await append(app, log, (b"a", b"1"))
    log.intrusions = [[(b"a", b"newer owner's row")]]
    with pytest.raises(LeaseLost):
        await append(app, log, (b"a", b"2"))
    assert app.friends.rows(P)(b"a") == b"1"


async def test_a_rebalance_forgets_what_we_wrote_and_trusts_recovery(app: FoldApp, log: Log) -> None:
    await append(app, log, (b"a", b"1"))
    log.records += [(b"x", b"of the owner in between")] * 3
    app.consumer_generation_id = 8
    app.tables.recovery.active_highwaters[TP(topics.FRIENDS.name, P)] = 3
    assert await append(app, log, (b"a", b"2")) == 4
    assert app.overruled == 0


async def test_the_changelog_is_no_source(app: FoldApp) -> None:
    """With acks it would be seeked with the sources; without allow_empty tombstones would depend on the codec."""
    changelog = app.friends.changelog_topic
    assert changelog.get_topic_name() == topics.FRIENDS.name
    assert changelog.acks is False
    assert changelog.internal is True
    assert changelog.allow_empty is True
