"""Every rule of folding what HubSpot did and what a sweep saw."""

import pytest

from domain.policy import FoldPolicy
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


def test_nowhere_without_permission_blocks_nothing():
    friend = Friend().linked(message(1))
    friend.take(event("unfollow", 2))
    friend.answer("gone", contact=None, reason=coded("nowhere"))
    assert friend.row.blocked is None


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


@pytest.mark.parametrize("result", ["rejected", "parked"])
def test_refused_blocks_this_content_and_trigger(result):
    friend = open_update()
    friend.answer(result, reason=coded("INVALID_EMAIL"), generation=6)
    row = friend.row
    assert (row.blocked.digest, row.blocked.code) == (friend.changes[-1].digest, "INVALID_EMAIL")
    assert row.blocked.trigger.at == T0 + 2
    assert (row.contact.status, row.contact.id, row.seen.generation) == ("live", "901", 6)
    assert row.trigger_delivered.at == T0 + 1
    assert (friend.decisions[-1].because.result, friend.decisions[-1].because.code) == (result, "INVALID_EMAIL")


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


@pytest.mark.parametrize("result", ["gone", "created"])
def test_gone_and_created_end_every_shadow(result):
    friend = Friend().linked(message(1), message(2, connection=2))
    friend.take(message(3, "c"))
    friend.answer("merged", contact="902", asked="901", shadowed=(2,))
    friend.answer(result, contact="903" if result == "created" else None, asked="902", reason=coded("archived"))
    assert not friend.row.connections["2"].shadowed


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


def test_a_decision_about_an_outcome_names_its_call_only_by_codes():
    friend = open_update()
    call = HubSpotRequest(call="batch/update", status=200, trace="t")
    friend.answer("updated", request=call)
    because = friend.decisions[-1].because
    assert (because.contact, because.result, because.code) == ("live", "updated", None)
