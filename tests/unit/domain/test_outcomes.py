"""Every rule of folding what HubSpot did with a change."""

import pytest

from schemas.friends import FriendState
from schemas.outcomes import HubSpotRequest
from tests.unit.domain.world import T0, Friend, answer_to, coded, event, message, order, profile, sight


def open_update() -> Friend:
    """Linked to 901, and an update is out."""
    friend = Friend().linked(message(1))
    friend.take(message(2, "b"))
    return friend


@pytest.mark.parametrize("result", ["created", "updated", "adopted", "merged"])
def test_what_was_written_is_linked_seen_and_delivered(result):
    friend = open_update()
    friend.answer(result, contact="905", asked="901", generation=4, at=2_100_000)
    row = friend.row
    assert (row.contact.id, row.contact.status, row.contact.at) == ("905", "live", T0 + 2_100_000)
    assert (row.seen.contact, row.seen.digest, row.seen.generation) == ("905", friend.changes[-1].digest, 4)
    assert row.seen.at == T0 + 2_100_000
    assert (row.sent, row.blocked) == (None, None)
    assert row.trigger_delivered.at == T0 + 2


def test_a_write_ends_a_block():
    friend = open_update()
    friend.answer("parked", reason=coded("X"))
    friend.take(message(3, "c"))
    friend.answer("updated")
    assert friend.row.blocked is None


def test_the_delivered_trigger_never_moves_back():
    friend = Friend().linked(message(5))
    friend.take(event("unfollow", 6))
    friend.answer("updated")
    assert friend.row.trigger_delivered.at == T0 + 5


def test_a_creation_that_a_postback_permitted_delivers_no_trigger():
    friend = Friend()
    friend.take(event("postback", 5))
    friend.take(message(3, "older"))
    (change,) = friend.answer("created", contact="901", asked=None).changes
    assert friend.row.trigger_delivered is None
    assert change.may_create.at == T0 + 3


def test_gone_keeps_the_id_and_only_the_time_of_the_last_write():
    friend = open_update()
    written_at = friend.row.seen.at
    friend.answer("gone", contact=None, reason=coded("archived"), hubspot_at=T0 + 99, generation=3)
    row = friend.row
    assert (row.contact.id, row.contact.status, row.contact.at) == ("901", "gone", T0 + 99)
    assert (row.seen.digest, row.seen.contact, row.seen.at, row.seen.generation) == (None, None, written_at, 3)
    assert (row.sent, row.rewrite) == (None, False)


def test_gone_ends_a_rewrite():
    friend = open_update()
    friend.take(order("resync", 3))
    friend.answer("gone", contact=None, reason=coded("archived"))
    assert friend.row.rewrite is False


def test_gone_counts_only_for_the_linked_contact():
    friend = open_update()
    friend.take(answer_to(friend.changes[0], "created", contact="950", asked=None))
    friend.answer("gone", contact=None, asked="901", reason=coded("archived"))
    assert (friend.row.contact.id, friend.row.contact.status) == ("950", "live")
    assert friend.row.sent.digest == friend.changes[-1].digest
    assert friend.changes[-1].contact == "950"


def test_gone_before_the_contact_was_ever_linked_is_no_contact():
    friend = Friend()
    friend.take(message(1))
    friend.answer("gone", contact=None, asked=None, reason=coded("archived"))
    assert friend.row.contact.status == "none"


def test_a_creation_that_was_permitted_and_not_made_was_delivered_before():
    friend = open_update()
    friend.answer("gone", contact=None, reason=coded("archived"))
    assert friend.row.trigger_delivered.at == T0 + 2
    assert friend.decision == "not_permitted"


def test_nowhere_blocks_the_creation_and_remembers_since_when():
    friend = open_update()
    confirmed = friend.row.contact.at
    friend.answer("gone", contact=None, reason=coded("nowhere"), at=2_200_000)
    row = friend.row
    assert (row.contact.status, row.contact.at, row.contact.nowhere_at) == ("gone", confirmed, T0 + 2_200_000)
    assert (row.blocked.code, row.blocked.digest) == ("nowhere", friend.changes[-1].digest)
    assert row.blocked.trigger.at == T0 + 2
    assert friend.decision == "blocked"
    friend.take(sight("archived", "901", at=3_000_000, reason=coded("nowhere")))
    assert friend.row.contact.nowhere_at == T0 + 2_200_000


def test_nowhere_ends_a_rewrite_though_a_creation_is_blocked():
    friend = open_update()
    friend.take(order("resync", 3))
    friend.answer("gone", contact=None, reason=coded("nowhere"))
    assert (friend.decision, friend.row.rewrite) == ("blocked", False)


def test_nowhere_without_permission_blocks_nothing():
    friend = Friend().linked(message(1))
    friend.take(event("unfollow", 2))
    friend.answer("gone", contact=None, reason=coded("nowhere"))
    assert friend.row.blocked is None


def test_a_creation_that_ends_nowhere_is_not_sent_again_at_once():
    friend = Friend()
    friend.take(message(1))
    friend.answer("gone", contact=None, asked=None, reason=coded("nowhere"))
    assert (friend.decision, friend.row.blocked.code, len(friend.changes)) == ("blocked", "nowhere", 1)
    friend.take(message(2))
    assert (friend.decision, friend.changes[-1].may_create.at) == ("changed", T0 + 2)


def test_later_looks_do_not_move_the_time_of_the_archiving():
    friend = Friend().gone()
    since = friend.row.contact.at
    friend.take(sight("archived", "901", at=3_900_000, hubspot_at=T0 + 3_800_000))
    assert friend.row.contact.at == since


def test_erased_leaves_exactly_the_erased_row():
    friend = open_update()
    friend.answer("erased", contact=None, at=2_300_000)
    assert friend.row == FriendState(friend=friend.id, revision=friend.row.revision, erased_at=T0 + 2_300_000)
    assert friend.decision == "erased"


@pytest.mark.parametrize(("result", "code"), [("rejected", "INVALID_EMAIL"), ("parked", "parked:INVALID_EMAIL")])
def test_refused_blocks_this_content_and_trigger(result, code):
    friend = open_update()
    friend.answer(result, reason=coded("INVALID_EMAIL"), generation=6)
    row = friend.row
    assert (row.blocked.digest, row.blocked.code) == (friend.changes[-1].digest, code)
    assert row.blocked.trigger.at == T0 + 2
    assert (row.contact.status, row.contact.id, row.seen.generation) == ("live", "901", 6)
    assert row.trigger_delivered.at == T0 + 1
    assert (friend.decisions[-1].because.result, friend.decisions[-1].because.code) == (result, code)


def test_refused_without_a_code_is_blocked_by_its_name():
    friend = open_update()
    friend.answer("parked")
    assert friend.row.blocked.code == "parked"


def test_a_refused_creation_for_a_postback_blocks_without_a_trigger():
    friend = Friend()
    friend.take(event("postback", 5))
    friend.answer("rejected", contact=None, reason=coded("X"))
    assert friend.row.blocked.trigger is None
    assert friend.take(message(6)).changes


@pytest.mark.parametrize("result", ["created", "adopted", "merged"])
def test_a_write_that_answers_nothing_relinks_and_asks_for_a_rewrite(result):
    friend = Friend().linked(message(1))
    first = friend.changes[0]
    (change,) = friend.take(answer_to(first, result, contact="960", digest="0" * 16)).changes
    assert (friend.row.contact.id, friend.row.contact.status) == ("960", "live")
    assert (change.contact, friend.decision) == ("960", "changed")


def test_a_late_creation_brings_a_gone_friend_back_to_where_it_is():
    friend = Friend().gone()
    (change,) = friend.take(answer_to(friend.changes[0], "created", contact="960", asked=None)).changes
    assert (change.contact, change.may_create) == ("960", None)


def test_a_late_creation_ends_a_block():
    friend = open_update()
    friend.answer("rejected", reason=coded("X"))
    assert friend.take(answer_to(friend.changes[0], "created", contact="960", asked=None)).changes


def test_a_relink_survives_the_answer_of_the_open_change():
    friend = open_update()
    friend.take(answer_to(friend.changes[0], "created", contact="960", asked=None))
    assert friend.row.rewrite
    (change,) = friend.answer("updated").changes
    assert change.contact == "901"
    friend.answer("updated")
    assert not friend.row.rewrite


def test_an_old_owner_that_wrote_late_is_overwritten():
    friend = open_update()
    friend.answer("updated", generation=5)
    (change,) = friend.take(answer_to(friend.changes[0], "updated", contact="901", generation=4)).changes
    assert change.digest == friend.row.seen.digest
    assert friend.decision == "rewritten"


def test_the_same_owner_repeating_itself_changes_nothing():
    friend = open_update()
    friend.answer("updated", generation=5)
    made = friend.take(answer_to(friend.changes[1], "updated", generation=5))
    assert not made.changes
    assert friend.decision == "settled"


def test_a_change_that_a_crash_forgot_is_overwritten_once_it_was_written():
    friend = open_update()
    friend.answer("updated")
    forgotten = answer_to(friend.changes[-1], "updated", digest="0" * 16, revision=99)
    (change,) = friend.take(forgotten).changes
    assert (change.digest, friend.decision) == (friend.row.seen.digest, "rewritten")
    assert not friend.take(forgotten).changes


def test_a_late_write_to_a_gone_contact_leaves_nothing_to_do():
    friend = open_update()
    friend.answer("gone", contact=None, reason=coded("archived"), generation=5)
    assert not friend.take(answer_to(friend.changes[0], "updated", contact="901", generation=4)).changes
    assert not friend.row.rewrite


def test_a_late_write_while_the_next_creation_is_open_is_overwritten():
    friend = open_update()
    friend.answer("gone", contact=None, reason=coded("archived"), generation=5)
    friend.take(message(8))
    friend.take(answer_to(friend.changes[0], "updated", contact="901", generation=4))
    assert friend.answer("updated", contact="901", generation=5).changes


def test_an_outcome_is_folded_once():
    friend = open_update()
    item = friend.incoming(answer_to(friend.changes[-1], "updated"))
    assert friend.fold([item]).state is not None
    again = friend.fold([item])
    assert (again.state, again.changes, friend.decision) == (None, [], "duplicate")
    assert friend.row.read.outcomes == item.offset


def test_a_result_is_folded_once():
    friend = Friend().linked()
    item = friend.incoming(profile(1_000))
    assert friend.fold([item]).changes
    assert (friend.fold([item]).state, friend.decision) == (None, "duplicate")


@pytest.mark.parametrize("result", ["gone", "created"])
def test_gone_and_created_end_every_shadow(result):
    friend = Friend().linked(message(1), message(2, connection=2))
    friend.take(message(3, "c"))
    friend.answer("merged", contact="902", asked="901", shadowed=(2,))
    friend.answer(result, contact="903" if result == "created" else None, asked="902", reason=coded("archived"))
    assert not friend.row.connections["2"].shadowed


def test_a_slot_stays_shadowed_when_another_one_is_found_to_be():
    friend = Friend().linked(message(1), message(2, connection=2))
    friend.take(message(3, "c"))
    friend.answer("merged", contact="902", asked="901", shadowed=(2,))
    friend.answer("merged", contact="903", asked="902", shadowed=(1,))
    assert all(connection.shadowed for connection in friend.row.connections.values())


@pytest.mark.parametrize(
    "record",
    [
        answer_to(Friend().linked().changes[0], "created", contact="960", asked=None, digest="0" * 16),
        sight("twin", "960", asked="902"),
    ],
    ids=["created", "twin"],
)
def test_another_contact_has_slots_of_its_own(record):
    friend = Friend().linked(message(1), message(2, connection=2))
    friend.take(message(3, "c"))
    friend.answer("merged", contact="902", asked="901", shadowed=(2,))
    friend.answer("updated")
    (change,) = friend.take(record).changes
    assert "line_user_id_2" in change.properties


def test_a_decision_about_an_outcome_names_its_call_only_by_codes():
    friend = open_update()
    call = HubSpotRequest(call="batch/update", status=200, trace="t")
    friend.answer("updated", request=call)
    because = friend.decisions[-1].because
    assert (because.contact, because.result, because.code) == ("live", "updated", None)
