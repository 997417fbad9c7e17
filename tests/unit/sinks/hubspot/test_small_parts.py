"""Offsets, turns, memory, budget and gate."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from domain.retry import BackOff
from runtime.metrics import Metrics
from schemas.changes import Change
from schemas.codec import encode
from schemas.marks import Mark
from schemas.outcomes import Outcome
from sinks.hubspot.admission import Admission, Arrival
from sinks.hubspot.arrivals import sort
from sinks.hubspot.gate import Gate
from sinks.hubspot.memory import HOUR_MS, Memory
from sinks.hubspot.rejections import RejectionBudget
from sinks.progress import Progress


def change(friend: str = "U1", revision: int = 1) -> Change:
    return Change(
        friend=friend, revision=revision, digest="d", emitted_at=0, email="e", properties={}, causes=(), more_causes=0
    )


def outcome(result: Any = "created", **given: Any) -> Outcome:
    fields: dict[str, Any] = {"friend": "U1", "result": result, "contact": "7", "at": 5, "generation": 1, "attempts": 1}
    return Outcome(**(fields | given))


def test_offsets_are_committed_in_order_only() -> None:
    """What is done out of order waits for what is before it."""
    progress = Progress()
    for offset in (10, 11, 15):  # compaction leaves holes
        progress.taken(0, offset)
    progress.done(0, 11)
    assert progress.committable() == {0: 10}
    progress.committed({0: 10})
    assert progress.committable() == {}
    progress.done(0, 10)
    assert progress.committable() == {0: 15}
    progress.done(0, 15)
    assert progress.committable() == {0: 16}


def test_what_was_given_up_is_not_committed() -> None:
    """A late answer for a lost partition moves nothing."""
    progress = Progress()
    progress.taken(0, 1)
    progress.clear()
    progress.done(0, 1)
    progress.committed({0: 2})
    assert progress.committable() == {}


def test_friends_take_turns() -> None:
    """A friend's second change starts when the first is answered."""
    admission = Admission()
    arrivals = [Arrival(partition=0, offset=offset, change=change(revision=offset)) for offset in (1, 2)]
    assert [admission.admit(one) for one in arrivals] == [True, False]
    assert len(admission) == 2
    assert admission.finish("U1") is arrivals[1]
    assert admission.finish("U1") is None
    assert len(admission) == 0
    assert admission.admit(arrivals[0])


def test_the_memory_keeps_the_record_and_the_newest_trigger() -> None:
    """Of writes only; what carried nothing to a shadowed slot used up no trigger."""
    memory = Memory()
    memory.note(outcome(trigger=Mark(id="b", at=2)))
    memory.note(outcome("updated", trigger=Mark(id="a", at=1), at=6))
    memory.note(outcome("merged", contact="8", trigger=Mark(id="c", at=3), shadowed=(1,), at=7))
    memory.note(outcome("rejected", contact="9"))
    memory.note(outcome("archived", contact="9", read_at=9))
    written = memory.of("U1")
    assert written is not None
    assert (written.contact, written.at, written.trigger) == ("8", 7, Mark(id="b", at=2))


def test_an_erased_friend_is_forgotten() -> None:
    """What comes later is a new person to us."""
    memory = Memory()
    memory.note(outcome())
    memory.note(outcome("erased", contact=None, read_at=9))
    assert memory.of("U1") is None


def test_old_writes_are_forgotten_once_there_are_many() -> None:
    """An hour is kept."""
    memory = Memory()
    for number in range(50_000):
        memory.note(outcome(friend=f"U{number}", at=0 if number else HOUR_MS))
    memory.prune(2 * HOUR_MS - 1)
    assert memory.of("U0") is not None
    assert memory.of("U1") is None


def test_twenty_distinct_friends_in_a_row_may_be_rejected() -> None:
    """The 21st may not; the same friend again is no new one; a write that succeeds begins anew."""
    budget = RejectionBudget()
    assert all(budget.allows(f"U{number}") for number in range(20))
    assert budget.allows("U3")
    assert not budget.allows("U99")
    budget.wrote()
    assert budget.allows("U99")


def test_the_gate_waits_longer_each_time_and_opens_at_once() -> None:
    """It keeps the reason and since when."""
    gate = Gate(Metrics("hubspot"))
    back_off = BackOff(first=1, most=30, spread=0)
    waits = [gate.failed("x", "because", now=float(n), back_off=back_off, chance=0.5) for n in range(3)]
    assert waits == [1, 2, 4]
    assert gate.wait(3.0) == 3.0
    assert gate.paused is not None
    assert (gate.paused.code, gate.paused.sentence, gate.paused.since) == ("x", "because", 0.0)
    gate.succeeded(now=4.0)
    assert gate.paused is None
    assert gate.wait(4.0) == 0.0


def test_an_operator_s_pause_shuts_the_gate_and_outlasts_success() -> None:
    """The trouble of before is shown again when the operator resumes."""
    since: list[int] = [1_732_250_000_000]
    gate = Gate(Metrics("hubspot"), lambda: since[0] if since else None)
    gate.failed("x", "because", now=0.0, back_off=BackOff(first=1, most=30, spread=0), chance=0.5)
    assert gate.paused is not None
    assert gate.paused.code == "paused_by_operator"
    assert gate.wait(100.0) > 0
    since.clear()
    assert gate.paused is not None
    assert gate.paused.code == "x"
    assert gate.wait(100.0) == 0


def test_what_was_put_right_in_vain_waits_longer() -> None:
    """Properties made again that are missing again: no fast loop."""
    gate = Gate(Metrics("hubspot"))
    back_off = BackOff(first=1, most=30, spread=0)
    gate.failed("x", "because", now=0.0, back_off=back_off, chance=0.5)
    gate.eased(now=1.0)
    assert gate.paused is None
    assert gate.failed("x", "because", now=1.0, back_off=back_off, chance=0.5) == 2


def test_records_are_sorted() -> None:
    """Changes, dead letters with their reason, tombstones."""

    def record(offset: int, key: bytes, value: bytes | None) -> Any:
        return SimpleNamespace(partition=3, offset=offset, key=key, value=value, headers=())

    good = encode(change())
    found = sort([record(1, b"U1", good), record(2, b"U2", good), record(3, b"U1", b"{"), record(4, b"U1", None)])
    assert [(one.partition, one.offset) for one in found.changes] == [(3, 1)]
    assert [(one.offset, reason) for one, reason in found.dead] == [(2, "key_mismatch"), (3, "unreadable")]
    assert [one.offset for one in found.empty] == [4]
