"""Every rule of folding what a sweep saw: it counts only while nothing is open, and only if it is news."""

import pytest

from schemas.friends import FriendState
from tests.unit.domain.world import T0, Friend, coded, event, message, order, reply, sight


def open_update() -> Friend:
    """Linked to 901, and an update is out."""
    friend = Friend().linked(message(1))
    friend.take(message(2, "b"))
    return friend


@pytest.mark.parametrize("result", ["archived", "erased", "merged", "twin", "restored", "drifted", "alive"])
def test_a_sweep_counts_only_while_nothing_is_open(result):
    friend = open_update()
    before = friend.row
    friend.take(sight(result, "901" if result != "twin" else "970", asked="901"))
    after = friend.row
    assert (after.contact, after.sent, after.rewrite, after.erased_at) == (before.contact, before.sent, False, None)


@pytest.mark.parametrize("result", ["archived", "erased", "merged", "twin", "restored", "drifted"])
def test_a_sweep_that_looked_before_the_last_write_counts_for_nothing(result):
    friend = Friend().linked(message(1))
    before = friend.row.contact
    friend.take(sight(result, "901", read_at=friend.row.seen.at))
    assert (friend.row.contact, friend.row.sent, friend.row.rewrite) == (before, None, False)


@pytest.mark.parametrize("result", ["archived", "erased", "merged", "twin", "restored", "drifted"])
def test_a_sweep_that_looked_at_another_contact_counts_for_nothing(result):
    friend = Friend().linked(message(1))
    before = friend.row.contact
    friend.take(sight(result, "999"))
    assert (friend.row.contact, friend.row.sent, friend.row.rewrite) == (before, None, False)


def test_alive_confirms():
    friend = Friend().linked()
    assert not friend.take(sight("alive", "901", at=3_300_000)).changes
    assert (friend.row.contact.at, friend.decision) == (T0 + 3_300_000, "settled")


@pytest.mark.parametrize("result", ["alive", "restored", "drifted"])
def test_a_gone_contact_that_is_there_again_is_linked_and_written(result):
    friend = Friend().gone()
    (change,) = friend.take(sight(result, "901", at=3_300_000)).changes
    assert (change.contact, change.may_create) == ("901", None)
    assert friend.row.contact.status == "live"


def test_drifted_is_written_again():
    friend = Friend().linked()
    assert friend.take(sight("drifted", "901")).changes
    assert friend.decision == "rewritten"


def test_archived_lets_go_and_an_undelivered_trigger_asks_again():
    friend = open_update()
    friend.answer("parked", reason=coded("X"))
    (change,) = friend.take(sight("archived", "901", hubspot_at=T0 + 77)).changes
    assert (friend.row.contact.status, friend.row.contact.at) == ("gone", T0 + 77)
    assert (change.contact, change.may_create.at) == ("901", T0 + 2)


def test_a_sweep_that_counts_lifts_a_block():
    friend = open_update()
    friend.answer("parked", reason=coded("X"))
    assert friend.take(sight("alive", "901")).changes


def test_merged_keeps_the_id_and_lets_the_sink_follow():
    friend = Friend().linked()
    (change,) = friend.take(sight("merged", "980", asked="901")).changes
    assert (friend.row.contact.id, change.contact) == ("901", "901")


def test_a_twin_becomes_the_link():
    friend = Friend().linked()
    (change,) = friend.take(sight("twin", "970", asked="901")).changes
    assert (friend.row.contact.id, change.contact, change.may_create) == ("970", "970", None)


def test_a_twin_that_names_no_other_contact_speaks_about_the_friend():
    friend = Friend().linked()
    friend.take(sight("twin", "970", asked=None))
    assert friend.row.contact.id == "970"


def test_a_twin_of_a_friend_without_a_contact_is_linked():
    friend = Friend()
    friend.take(event("unfollow", 1))
    (change,) = friend.take(sight("twin", "970", asked=None)).changes
    assert change.contact == "970"


def test_seen_erased_leaves_exactly_the_erased_row():
    friend = Friend().gone()
    friend.take(sight("erased", "901", at=3_400_000))
    assert friend.row == FriendState(friend=friend.id, revision=friend.row.revision, erased_at=T0 + 3_400_000)


def test_unanswered_gives_up_the_open_change_of_its_revision_and_writes_again():
    friend = open_update()
    revision = friend.row.sent.revision
    assert not friend.take(sight("unanswered", "901", revision=revision - 1)).changes
    (change,) = friend.take(sight("unanswered", "901", revision=revision)).changes
    assert change.revision > revision
    assert change.contact == "901"


def test_unanswered_repeats_a_write_even_of_what_was_seen_before():
    friend = Friend().linked()
    friend.take(order("resync", 3))
    (change,) = friend.take(sight("unanswered", "901", revision=friend.row.sent.revision)).changes
    assert change.digest == friend.row.seen.digest


def test_unanswered_lifts_a_block():
    friend = Friend().linked(event("follow", 1))
    friend.take(message(2))
    friend.answer("updated")
    friend.take(reply(5))
    friend.answer("parked")
    refused = friend.row.blocked.digest
    friend.take(event("unfollow", 6))
    friend.take(event("imported", 7, origin="import"))
    (change,) = friend.take(sight("unanswered", "901", revision=friend.row.sent.revision)).changes
    assert change.digest == refused


def test_unanswered_with_nothing_open_says_nothing():
    friend = Friend().linked()
    assert not friend.take(sight("unanswered", "901", revision=1)).changes


def test_a_slot_stays_shadowed_until_the_sweep_sees_it_free():
    friend = Friend().linked(message(1), message(2, connection=2))
    friend.take(message(3, "c"))
    friend.answer("merged", contact="902", asked="901", shadowed=(2,))
    friend.answer("updated")
    assert friend.row.connections["2"].shadowed
    friend.take(sight("alive", "902", shadowed=(2,)))
    assert friend.row.connections["2"].shadowed
    (change,) = friend.take(sight("alive", "902", at=3_100_000)).changes
    assert not friend.row.connections["2"].shadowed
    assert "line_user_id_2" in change.properties
