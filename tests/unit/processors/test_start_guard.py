"""May the fold start?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from processors import start_guard
from processors.start_guard import NEEDED, History, contradicts, even_count
from runtime.refusal import Refusal
from schemas import topics
from schemas.changes import Change
from schemas.codec import encode
from schemas.marks import Cause

EVENTS = topics.EVENTS.name


def history(**known: Any) -> History:
    facts: dict[str, Any] = {
        "states_written": False,
        "changes_written": False,
        "outcomes_written": False,
        "sources_trimmed": False,
        "committed": {},
    }
    return History(**(facts | known))


def change_of(offset: int) -> bytes:
    cause = Cause(id="e", kind="message", topic=EVENTS, partition=0, offset=offset)
    return encode(
        Change(
            friend="U1", revision=1, digest="d", emitted_at=1, email="e", properties={}, causes=(cause,), more_causes=0
        )
    )


async def lost(monkeypatch: pytest.MonkeyPatch, known: History, *changes: bytes | None) -> bool:
    async def read(brokers: str, topic: str) -> AsyncIterator[SimpleNamespace]:
        assert topic == topics.CHANGES.name
        for value in changes:
            yield SimpleNamespace(value=value)

    monkeypatch.setattr(start_guard, "read_log", read)
    return await start_guard._state_was_lost("nowhere", known)


def test_equal_counts_are_the_count() -> None:
    assert even_count(dict.fromkeys(NEEDED, 12)) == 12


def test_missing_topics_are_named_and_refused() -> None:
    counts = dict.fromkeys(NEEDED, 12)
    del counts[EVENTS]
    with pytest.raises(Refusal) as refused:
        even_count(counts)
    assert refused.value.exit_code == 78
    assert EVENTS in refused.value.what


def test_uneven_counts_are_refused() -> None:
    with pytest.raises(Refusal) as refused:
        even_count(dict.fromkeys(NEEDED, 12) | {topics.FRIENDS.name: 6})
    assert refused.value.exit_code == 78
    assert "friends.v1 6" in refused.value.what


def test_a_change_of_a_committed_event_must_have_left_a_state() -> None:
    known = history(committed={(EVENTS, 0): 5})
    assert contradicts(known, [(EVENTS, 0, 4)])
    assert not contradicts(known, [(EVENTS, 0, 5), (EVENTS, 1, 0)])


async def test_a_first_start_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await lost(monkeypatch, history())


async def test_events_of_groups_alone_leave_no_state_and_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await lost(monkeypatch, history(committed={(EVENTS, 0): 9}))


async def test_changes_of_committed_events_without_states_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = history(committed={(EVENTS, 0): 9}, changes_written=True, outcomes_written=True)
    assert await lost(monkeypatch, known, change_of(12), None, change_of(3))


async def test_a_crash_in_the_first_run_of_all_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its changes went out, its states did not, and so nothing behind them was committed."""
    known = history(committed={(EVENTS, 0): 9}, changes_written=True, outcomes_written=True)
    assert not await lost(monkeypatch, known, change_of(9), change_of(12))
    assert not await lost(monkeypatch, history(changes_written=True, outcomes_written=True), change_of(0))


async def test_a_change_that_no_one_can_read_is_taken_for_history(monkeypatch: pytest.MonkeyPatch) -> None:
    known = history(committed={(EVENTS, 0): 9}, changes_written=True)
    assert await lost(monkeypatch, known, b"no json")


async def test_outcomes_without_changes_are_refused_where_events_were_committed(monkeypatch: Any) -> None:
    assert await lost(monkeypatch, history(committed={(EVENTS, 0): 9}, outcomes_written=True))


async def test_offsets_that_expired_do_not_hide_a_lost_state(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await lost(monkeypatch, history(changes_written=True, sources_trimmed=True))
