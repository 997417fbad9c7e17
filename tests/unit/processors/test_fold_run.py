"""A run of records: every record has exactly one fate, and its neighbours never share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from domain.policy import FoldPolicy
from processors import fold_run
from processors.fold_run import RunFolder, RunOutput
from schemas import topics
from schemas.changes import read_change
from schemas.decisions import read_decision
from schemas.friends import read_friend_state

FRIEND, OTHER = "U" + "a" * 32, "U" + "b" * 32
NOW = 1_763_800_000_000
PARTITION = 3


def fold(records: list[Any], rows: dict[bytes, bytes] | None = None, topic: str = topics.EVENTS.name) -> RunOutput:
    return RunFolder(topic, PARTITION, (rows or {}).get, now=NOW, policy=FoldPolicy()).fold(records)


def causes(out: RunOutput) -> list[int]:
    return sorted(read_decision(value or b"").cause.offset for _, value, _ in out.decisions)


def letters(out: RunOutput) -> dict[int, str]:
    found = [dict(headers) for _, _, headers in out.dead]
    return {int(headers["dl_offset"]): headers["dl_reason"].decode() for headers in found}


def raise_on(word: str) -> Callable[..., Any]:
    """The pure turn with a bug: it raises when a message says `word`."""
    real = fold_run.turn

    def turn(friend: str, state: Any, items: Any, **options: Any) -> Any:
        if any(item.record.event.get("message", {}).get("text") == word for item in items):
            raise RuntimeError("planted, and quoting personal data")
        return real(friend, state, items, **options)

    return turn


def test_many_events_of_one_friend_make_one_state_and_one_change(message: Any) -> None:
    out = fold([message("a", offset=1), message("b", offset=2), message("c", offset=3)])
    assert [key for key, _ in out.states] == [FRIEND.encode()]
    assert len(out.changes) == 1
    assert read_change(out.changes[0][1] or b"").properties["line_last_response_1"] == "c"
    assert causes(out) == [1, 2, 3]
    assert read_friend_state(out.states[0][1]).revision == 1


def test_what_follows_has_the_key_of_the_friend_and_no_headers(message: Any) -> None:
    out = fold([message()])
    for record in [*out.changes, *out.requests, *out.decisions]:
        assert record[0] == FRIEND.encode()
        assert record[2] == []


def test_a_known_row_is_read_and_goes_on(message: Any) -> None:
    first = fold([message("a", offset=1)])
    second = fold([message("b", offset=2)], dict(first.states))
    assert read_friend_state(second.states[0][1]).revision == 2
    assert not second.changes, "one change is outstanding"


@pytest.mark.parametrize("value", [b"\xff\x00not json", b"{}", None, b"[1,2]"])
def test_an_unreadable_record_is_kept_byte_for_byte_and_its_neighbours_are_folded(message: Any, value: Any) -> None:
    bad = message(offset=2, headers=[("ce_id", b"x"), ("dl_at", b"old")])
    bad.value = value
    out = fold([message("a", offset=1), bad, message("c", offset=3)])
    assert causes(out) == [1, 3]
    key, kept, headers = out.dead[0]
    assert (key, kept) == (FRIEND.encode(), value)
    assert headers[0] == ("ce_id", b"x")
    assert dict(headers)["dl_topic"] == topics.EVENTS.name.encode()
    assert letters(out) == {2: "unreadable"}
    assert out.discarded == {"unreadable": 1}


def test_a_key_that_is_not_the_friend_is_a_dead_letter(message: Any) -> None:
    wrong = message(offset=1)
    wrong.key = OTHER.encode()
    missing = message(offset=2)
    missing.key = None
    assert letters(fold([wrong, missing])) == {1: "key_mismatch", 2: "key_mismatch"}


def test_an_event_of_a_group_touches_no_state_and_is_decided_under_its_own_key(message: Any) -> None:
    group = message(offset=1)
    event = orjson.loads(group.value)
    event["event"]["source"] = {"type": "group", "groupId": "C1", "userId": FRIEND}
    group.value, group.key = orjson.dumps(event), b"C1"
    out = fold([group])
    assert not out.states
    key, value, _ = out.decisions[0]
    assert key == b"C1"
    assert read_decision(value or b"").decision == "no_friend"
    assert read_decision(value or b"").friend is None


def order(kind: str, message: Any, at: int) -> Any:
    """An operator's order to the friend, at the same offset and (in ms after NOW) time."""
    record = message(offset=at)
    event = {"type": kind, "timestamp": NOW + at, "source": {"type": "user", "userId": FRIEND}}
    record.value = orjson.dumps({"connection": 1, "received_at": NOW + at, "origin": "operator", "event": event})
    return record


def test_who_is_erased_leaves_an_empty_change(message: Any) -> None:
    """Compaction then removes the last change, which says everything; the open one may still be answered before."""
    known = fold([message("secret", offset=1)])
    out = fold([order("erase", message, 2)], dict(known.states))
    assert out.changes == [(FRIEND.encode(), None, [])]
    assert out.forgotten == 1
    assert b"secret" not in out.states[0][1]


def test_an_empty_change_is_repeated_by_a_replay_of_the_run_and_by_nothing_else(message: Any) -> None:
    """Emitted before the row: after a crash in between the same run makes it again, on the row of before."""
    known = dict(fold([message("secret", offset=1)]).states)
    run = [order("erase", message, 2)]
    assert fold(run, known).changes == fold(run, known).changes
    erased = dict(fold(run, known).states)
    assert not fold([message("secret", offset=1), message("b", offset=3), *run], erased).changes


def test_who_starts_afresh_in_the_run_of_the_erasure_leaves_a_change_instead(message: Any) -> None:
    policy = FoldPolicy(recreate_after_erasure=True)
    run = [message("old", offset=1), order("erase", message, 2), message("new", offset=3)]
    nobody: dict[bytes, bytes] = {}
    out = RunFolder(topics.EVENTS.name, PARTITION, nobody.get, now=NOW, policy=policy).fold(run)
    assert [read_change(value or b"").properties["line_last_response_1"] for _, value, _ in out.changes] == ["new"]
    assert out.forgotten == 0


def test_a_bug_in_the_pure_turn_costs_one_record(message: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_run, "turn", raise_on("BOOM"))
    out = fold(
        [
            message("a", offset=1),
            message("BOOM", offset=2),
            message("c", offset=3),
            message("x", friend=OTHER, offset=4),
        ]
    )
    assert causes(out) == [1, 3, 4]
    assert letters(out) == {2: "fold_failed"}
    assert len(out.states) == 2
    assert len(out.changes) == 2, "still at most one for each friend"
    state = {key: read_friend_state(value) for key, value in out.states}[FRIEND.encode()]
    inbound = state.connections["1"].inbound
    assert inbound is not None
    assert inbound.text == "c"


def test_the_place_of_a_failure_is_told_and_its_text_is_not(message: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_run, "turn", raise_on("BOOM"))
    headers = dict(fold([message("BOOM")]).dead[0][2])
    module, _, line = headers["dl_where"].decode().partition(":")
    assert module == "processors.fold_run"
    assert line.isdecimal()
    assert b"personal" not in b"".join(headers.values())


def test_a_row_that_no_one_can_read_never_becomes_an_empty_one(message: Any) -> None:
    out = fold([message(offset=1)], {FRIEND.encode(): b"garbage"})
    assert not out.states
    assert letters(out) == {1: "fold_failed"}


def test_a_record_that_makes_too_large_a_state_is_a_dead_letter(message: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_run, "LARGEST_VALUE", 2000)
    out = fold([message("a", offset=1), message("c", offset=2), message("x" * 3000, offset=3)])
    assert letters(out) == {3: "too_large"}
    assert causes(out) == [1, 2]


def test_an_impossible_time_is_a_dead_letter_of_the_domain(message: Any) -> None:
    odd = message(offset=2)
    event = orjson.loads(odd.value)
    event["event"] |= {"timestamp": 5, "webhookEventId": "no-ulid"}
    odd.value = orjson.dumps(event)
    out = fold([message(offset=1), odd])
    assert letters(out) == {2: "implausible_time"}
    assert causes(out) == [1]


@pytest.mark.parametrize("topic", [topics.RESULTS.name, topics.OUTCOMES.name])
def test_the_other_sources_have_dead_letters_too(message: Any, topic: str) -> None:
    bad = message(offset=7, topic=topic)
    bad.value = b"no json"
    out = fold([bad], topic=topic)
    assert letters(out) == {7: "unreadable"}
    assert dict(out.dead[0][2])["dl_topic"] == topic.encode()


def test_every_record_of_a_run_is_decided_or_dead(message: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_run, "turn", raise_on("BOOM"))
    unreadable = message(offset=3)
    unreadable.value = b""
    records = [message("a", offset=1), message("BOOM", offset=2), unreadable, message("d", friend=OTHER, offset=4)]
    out = fold(records)
    assert sorted([*causes(out), *letters(out)]) == [1, 2, 3, 4]
    assert out.discarded.total() == len(out.dead) == 2
