"""A visit's questions, the queues they wait in, and how many rejected friends a walk brings back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from domain.batch_answers import Found, ItemAnswer, ItemError
from domain.sweep import Look
from schemas.friends import Blocked, ConnectionState, Contact, FriendState
from sinks.hubspot.rows import Rows
from sinks.hubspot.sweep import REJECTIONS_SPARED, Sweep
from sinks.hubspot.visits import BATCH, PATIENCE, Queue, Standing, Visit, keys_of, properties_for, share_out
from tests.unit.domain.world import sight

THERE = ItemAnswer(found=Found(id="9"))
NOT_THERE = ItemAnswer(error=ItemError(category="OBJECT_NOT_FOUND"))
SILENCE = ItemAnswer()


def standing(friend: str = "U1", **fields: Any) -> Standing:
    row = FriendState(friend=friend, revision=1, connections={"2": ConnectionState()}, **fields)
    return Standing(rows=Rows("nowhere:1", 0), key=friend.encode(), offset=0, row=row)


def visit(contact: str | None = "9", email: str | None = None) -> Visit:
    return Visit(friend=standing(), look=Look(contact=contact, email=email))


@pytest.mark.parametrize(
    ("look", "answers", "questions"),
    [
        (("9", None), [THERE], ["alive"]),
        (("9", None), [NOT_THERE, NOT_THERE], ["alive", "in_bin"]),
        (("9", "u1@line.me"), [THERE], ["alive"]),
        (("9", "u1@line.me"), [NOT_THERE, THERE, NOT_THERE], ["alive", "in_bin", "by_email"]),
        ((None, "u1@line.me"), [THERE], ["by_email"]),
    ],
)
def test_one_question_leads_to_the_next(look: Any, answers: list[ItemAnswer], questions: list[str]) -> None:
    """Behind the id; if nobody is there, in the bin; and for who is deleted, behind the dummy address."""
    one, asked = visit(*look), []
    for number, answer in enumerate(answers):
        asked.append(one.question)
        assert one.answered(answer, 100 + number)
    assert (one.is_over, asked) == (True, questions)
    assert one.seen.read_at == 100, "the time before the first call"


def test_silence_is_no_answer() -> None:
    """Where HubSpot says nothing of an id, nothing is known; the next walk asks again."""
    one, other = visit("9"), visit("8")
    assert share_out([one, other], {"9": SILENCE, "8": NOT_THERE}, 100) == [other]
    assert not one.is_over


def test_two_friends_of_one_contact_are_one_key() -> None:
    """Two friends that were merged: the id is asked once, and its answer is for both."""
    both = [visit("9"), visit("9")]
    assert keys_of(both) == ["9"]
    assert share_out(both, {"9": THERE}, 100) == both
    assert "line_follow_2" in properties_for(both)


def test_a_queue_is_due_when_full_old_or_last() -> None:
    """A hundred, half a minute, or the end of the walk."""
    queue = Queue()
    assert not queue.is_due(0.0, all_of_them=True)
    queue.put(visit(), 10.0)
    assert [queue.is_due(at) for at in (10.0, 10.0 + PATIENCE)] == [False, True]
    assert queue.is_due(10.0, all_of_them=True)
    for _ in range(BATCH):
        queue.put(visit(), 11.0)
    assert queue.is_due(11.0)
    assert [len(queue.take()), len(queue.take())] == [BATCH, 1]


def test_rejected_friends_come_back_by_a_few() -> None:
    """Never so many that the sink would take them for a bug of ours; parked ones all come."""
    nothing: Any = None
    deliverer: Any = SimpleNamespace(rejections_left=REJECTIONS_SPARED + 3)
    sweep = Sweep(
        brokers="nowhere:1", seconds=1, calls=nothing, lost=nothing, portal=nothing, publisher=nothing,
        deliverer=deliverer, metrics=nothing, monotonic=nothing, now_ms=nothing,
    )  # fmt: skip
    contact = Contact(id="9", status="live", at=1)
    rejected = standing(contact=contact, blocked=Blocked(digest="d", code="INVALID_OPTION", at=1))
    parked = standing(contact=contact, blocked=Blocked(digest="d", code="parked:hubspot_timeout", at=1))
    assert sum(sweep._may_tell(rejected, sight("drifted", "9")) for _ in range(50)) == 3
    assert sweep._may_tell(rejected, sight("archived", "9")), "what has happened is always told"
    assert sum(sweep._may_tell(parked, sight("drifted", "9")) for _ in range(50)) == 50
