"""Erasure: nothing stays, nothing of before comes back, and an open change is answered first."""

import pytest

from domain.delivery import Written, begin
from domain.policy import FoldPolicy
from schemas.friends import FriendState
from tests.unit.domain.world import T0, Friend, answer_to, event, message, order, profile, sight


def open_update() -> Friend:
    """Linked to 901, and an update is out."""
    friend = Friend().linked(message(1))
    friend.take(message(2, "b"))
    return friend


def test_an_operators_erasure_forgets_at_once_and_waits_for_the_open_change():
    friend = open_update()
    friend.take(order("erase", 5))
    assert friend.row.connections == {}
    assert friend.row.sent is not None
    assert friend.decision == "erased"
    friend.take(message(3), event("follow", 9), profile(1_000))
    assert friend.row.connections == {}
    friend.answer("updated")
    assert friend.row == FriendState(friend=friend.id, revision=friend.row.revision, erased_at=T0 + 5)


def test_an_erasure_leaves_no_rewrite_to_wait_for():
    friend = open_update()
    friend.take(order("resync", 3), order("erase", 5))
    assert not friend.row.rewrite


def test_an_erasure_never_moves_back():
    friend = anew(open_change=False)
    friend.answer("erased", contact=None, at=4)
    assert friend.row.erased_at == T0 + 5


def test_an_erasure_does_not_wait_for_an_answer_that_never_comes():
    friend = open_update()
    revision = friend.row.sent.revision
    friend.take(order("erase", 5))
    friend.take(sight("alive", "901"))
    assert friend.row.sent is not None
    friend.take(sight("unanswered", "901", revision=revision))
    assert friend.row == FriendState(friend=friend.id, revision=friend.row.revision, erased_at=T0 + 5)


def test_an_erasure_of_someone_unknown_keeps_the_past_out():
    friend = Friend()
    friend.take(order("erase", 5))
    friend.take(message(4), message(6))
    assert friend.row == FriendState(friend=friend.id, revision=1, erased_at=T0 + 5)


def anew(open_change: bool) -> Friend:
    """Erased at 5, started afresh by a message at 8."""
    friend = Friend(policy=FoldPolicy(recreate_after_erasure=True)).linked(message(1, "old"))
    if open_change:
        friend.take(message(2))
    friend.take(order("erase", 5))
    friend.take(event("postback", 7), message(8, "new"))
    if open_change:
        assert friend.row.sent.revision == friend.changes[-1].revision
        friend.answer("updated", at=2_222_222)
    return friend


@pytest.mark.parametrize("open_change", [False, True])
def test_a_friend_who_starts_afresh_has_nothing_of_before(open_change):
    friend = anew(open_change)
    change = friend.changes[-1]
    assert (change.contact, change.may_create.at) == (None, T0 + 8)
    assert change.properties["line_last_response_1"] == "new"
    friend.take(message(4, "late"), event("unfollow", 3))
    assert "line_follow_1" in friend.shown
    assert friend.shown["line_follow_1"] == "true"
    assert friend.row.erased_at == T0 + 5


def test_what_was_written_before_an_erasure_is_nobodys_when_a_friend_starts_afresh():
    """The sink remembers the contact of before; HubSpot may have deleted it since, and it must not be looked for."""
    change = anew(open_change=False).changes[-1]
    assert change.erased_at == T0 + 5
    before, since = (begin(change, Written(contact="901", at=T0 + at)) for at in (5, 6))
    assert (before.step, before.target, before.may_create) == ("create", None, True)
    assert (since.step, since.target) == ("update", "901")


def test_a_profile_counts_after_an_erasure_only_if_it_was_asked_for_since():
    friend = anew(open_change=False)
    friend.take(profile(1_000, "old", requested_at=T0 + 5))
    assert (friend.decision, "line_user_name_1" in friend.shown) == ("erased", False)
    friend.take(profile(1_001, "new", requested_at=T0 + 6))
    assert friend.shown["line_user_name_1"] == "new"


def test_an_outcome_of_before_the_erasure_counts_for_nothing():
    friend = anew(open_change=False)
    friend.take(answer_to(friend.changes[0], "created", contact="901", at=4))
    assert (friend.decision, friend.row.contact.status) == ("erased", "none")
