"""Gathering changes into batches, in virtual time."""

from __future__ import annotations

from dataclasses import replace

from domain.delivery import Delivery, begin
from schemas.changes import Change
from schemas.marks import Trigger
from sinks.hubspot.lanes import Gathering, Group, Lanes, Work


def work(number: int, *, contact: str | None = None, written_at: float = -100.0) -> Work:
    friend = f"U{number:032x}"
    change = Change(
        friend=friend,
        revision=1,
        digest="d",
        emitted_at=0,
        contact=contact,
        may_create=Trigger(id="e", at=1, kind="follow"),
        email=f"{friend}@line.me",
        properties={"line_user_id_1": friend},
        causes=(),
        more_causes=0,
    )
    delivery = begin(change)
    assert isinstance(delivery, Delivery)
    return Work(partition=0, offset=number, delivery=delivery, written_at=written_at)


def taken(lanes: Lanes, now: float, busy: set[str] | None = None) -> list[int]:
    group = lanes.take(now, busy or set())
    return [one.offset for one in group.works] if group else []


def test_a_full_batch_goes_at_once() -> None:
    """The first hundred, in their order."""
    lanes = Lanes(Gathering())
    for number in range(120):
        lanes.enter(work(number), 0.0)
    assert taken(lanes, 0.0) == list(range(100))
    assert taken(lanes, 0.0) == []
    assert lanes.due_in(0.0) == 0.2


def test_a_lonely_change_waits_one_period() -> None:
    """And no longer."""
    lanes = Lanes(Gathering(period=0.2))
    lanes.enter(work(1), 0.0)
    assert taken(lanes, 0.19) == []
    assert taken(lanes, 0.2) == [1]


def test_a_flow_is_gathered_until_it_pauses() -> None:
    """Twenty every tenth of a second go together; at most `patience` after the first."""
    lanes = Lanes(Gathering())
    for step in range(4):
        for number in range(15):
            lanes.enter(work(100 * step + number), step / 10)
    assert taken(lanes, 0.45) == []
    assert len(taken(lanes, 0.51)) == 60


def test_in_busy_times_all_wait_for_the_fold_to_gather() -> None:
    """Even full batches, until they are `longest` old."""
    lanes = Lanes(Gathering(many=200, longest=1.5))
    for number in range(300):
        lanes.enter(work(number, written_at=0.0), 0.0)
    assert taken(lanes, 1.0) == []
    assert len(taken(lanes, 1.5)) == 100


def test_a_backlog_does_not_wait() -> None:
    """The fold wrote it long ago: nothing can be gathered any more."""
    lanes = Lanes(Gathering(many=200))
    for number in range(300):
        lanes.enter(work(number, written_at=-60.0), 0.0)
    assert len(taken(lanes, 0.0)) == 100


def test_a_record_is_in_one_call_at_a_time() -> None:
    """Two friends of one contact take turns; what is in flight is left out."""
    lanes = Lanes(Gathering(period=0.0))
    for number in range(3):
        lanes.enter(work(number, contact="7" if number < 2 else "8"), 0.0)
    assert taken(lanes, 0.0) == [0, 2]
    assert taken(lanes, 0.0, {"7"}) == []
    assert taken(lanes, 0.0) == [1]


def test_one_batch_has_one_step() -> None:
    """Creations and updates are different calls."""
    lanes = Lanes(Gathering(period=0.0))
    lanes.enter(work(1), 0.0)
    lanes.enter(work(2, contact="7"), 0.0)
    assert sorted([taken(lanes, 0.0), taken(lanes, 0.0)]) == [[1], [2]]


def test_a_later_try_waits_its_time() -> None:
    """And `due_in` says when to look."""
    lanes = Lanes(Gathering(period=0.0))
    lanes.put(work(1), 0.0, delay=3.0)
    assert (taken(lanes, 2.9), lanes.due_in(2.0)) == ([], 1.0)
    assert taken(lanes, 3.0) == [1]


def test_what_must_be_alone_is_alone() -> None:
    """Not even a waiting change of the same step joins it."""
    lanes = Lanes(Gathering(period=0.0))
    suspect = work(1)
    suspect.delivery = replace(suspect.delivery, alone=True)
    lanes.put(suspect, 0.0)
    lanes.enter(work(2), 0.0)
    assert [taken(lanes, 0.0), taken(lanes, 0.0)] == [[1], [2]]


def test_a_group_is_repeated_as_it_was() -> None:
    """When its time has come and none of its records is in flight."""
    lanes = Lanes(Gathering())
    lanes.put_group(Group(works=[work(1, contact="7"), work(2)], not_before=5.0))
    assert taken(lanes, 4.0) == []
    assert taken(lanes, 5.0, {"7"}) == []
    assert taken(lanes, 5.0) == [1, 2]


def test_halves_hold_everything_once() -> None:
    """An odd one is in the first."""
    group = Group(works=[work(number) for number in range(5)], failures=3)
    halves = group.halves()
    assert [[one.offset for one in half.works] for half in halves] == [[0, 1, 2], [3, 4]]
    assert [half.failures for half in halves] == [0, 0]
