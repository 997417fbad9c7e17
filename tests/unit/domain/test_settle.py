"""Every rule of settling: a gap is closed once, and nothing is sent without need or permission."""

import pytest

from domain.policy import FoldPolicy
from domain.projection import properties_of
from schemas.codec import digest_of
from schemas.marks import Mark
from tests.unit.domain.world import T0, Friend, answer_to, coded, event, message, order, profile, sight, unsend


def test_a_change_carries_the_whole_projection_and_what_it_is_known_by():
    friend = Friend()
    (change,) = friend.take(event("follow", 1), message(2, "hi")).changes
    assert change.properties == properties_of(friend.id, friend.row.connections)
    assert change.digest == digest_of(change.properties) == friend.row.sent.digest
    assert change.revision == friend.row.revision == friend.row.sent.revision == 1
    assert change.emitted_at == friend.now
    assert (change.contact, change.confirmed_at) == (None, None)
    assert change.email == friend.id.lower() + "@line.me"
    assert [cause.kind for cause in change.causes] == ["follow", "message"]


def test_many_events_of_a_turn_make_one_change_with_twenty_causes_and_a_count():
    friend = Friend()
    made = friend.take(*(message(at) for at in range(25)))
    (change,) = made.changes
    assert (len(change.causes), change.more_causes) == (20, 5)
    assert len(made.decisions) == 25


def test_while_a_change_is_open_nothing_is_sent_and_afterwards_one_change_carries_all():
    friend = Friend()
    friend.take(message(1))
    for at in (2, 3, 4):
        assert not friend.take(message(at, f"text {at}")).changes
        assert friend.decision == "waiting"
    (change,) = friend.answer("created", contact="901", asked=None).changes
    assert change.properties["line_last_response_1"] == "text 4"
    assert change.contact == "901"
    assert change.confirmed_at == friend.row.contact.at


def test_what_hubspot_holds_already_is_not_sent_again():
    friend = Friend().linked(message(1))
    assert not friend.take(event("postback", 2)).changes
    assert friend.decision == "same"
    assert not friend.take(unsend(3, "other")).changes
    assert friend.decision == "same"


def test_the_same_text_again_is_sent_once_more_for_it_may_create():
    friend = Friend().linked(message(1, "hello"))
    (change,) = friend.take(message(2, "hello")).changes
    assert change.digest == friend.row.seen.digest
    assert change.may_create.at == T0 + 2
    assert friend.decision == "changed"
    friend.answer("updated")
    assert friend.decision == "settled"
    assert friend.row.trigger_delivered.at == T0 + 2


def test_an_update_may_create_only_for_a_trigger_that_no_write_carried():
    friend = Friend().linked(message(1))
    (change,) = friend.take(event("unfollow", 2)).changes
    assert change.may_create is None
    assert friend.row.sent.trigger is None


def test_a_gone_contact_is_asked_for_again_with_the_new_trigger():
    friend = Friend().gone()
    assert not friend.take(event("unfollow", 5)).changes
    (change,) = friend.take(message(6)).changes
    assert (change.contact, change.may_create.at, change.may_create.kind) == ("901", T0 + 6, "message")


def test_without_a_contact_the_newest_trigger_permits_else_the_first_act():
    assert Friend().take(event("beacon", 5), event("postback", 3)).changes[0].may_create.kind == "postback"
    assert Friend().take(event("beacon", 1), event("follow", 2)).changes[0].may_create.kind == "follow"


def test_the_permission_of_an_open_change_stays_until_it_is_answered():
    friend = Friend()
    friend.take(event("postback", 5))
    friend.take(event("beacon", 3))
    assert friend.row.permit.kind == "postback"
    friend.answer("created", contact="901", asked=None)
    assert friend.row.trigger_delivered is None


def blocked(*, result="rejected", code="INVALID_EMAIL") -> Friend:
    friend = Friend().linked(message(1))
    friend.take(message(2, "odd"))
    friend.answer(result, reason=coded(code))
    assert friend.decision == "blocked"
    return friend


def test_what_hubspot_refused_is_not_sent_again():
    friend = blocked()
    assert not friend.take(event("postback", 3)).changes
    assert friend.decision == "blocked"
    assert friend.decisions[-1].because.code == "INVALID_EMAIL"
    assert not friend.take(unsend(4, "other")).changes
    assert friend.decision == "blocked"


def test_a_new_projection_lifts_the_block():
    assert blocked().take(event("unfollow", 3)).changes


def test_a_newer_trigger_lifts_the_block_even_with_the_same_text():
    assert blocked().take(message(3, "odd")).changes


def test_an_operator_lifts_the_block():
    assert blocked().take(order("resync", 3)).changes


def test_a_block_without_a_trigger_holds_for_a_trigger_that_was_delivered_before():
    friend = Friend().linked(message(1))
    friend.take(event("unfollow", 2))
    friend.answer("parked", reason=coded("UNAVAILABLE"))
    assert friend.row.blocked.trigger is None
    assert friend.decision == "blocked"
    assert len(friend.changes) == 2


def test_a_resync_writes_the_same_content_again():
    friend = Friend().linked()
    (change,) = friend.take(order("resync", 3)).changes
    assert change.digest == friend.row.seen.digest
    assert friend.decision == "rewritten"
    friend.answer("updated")
    assert (friend.decision, friend.row.rewrite) == ("settled", False)


def test_a_resync_while_a_change_is_open_comes_after_its_answer():
    friend = Friend().linked()
    friend.take(message(2, "b"))
    assert not friend.take(order("resync", 3)).changes
    assert friend.answer("updated").changes


def test_a_resync_of_someone_unknown_leaves_no_row():
    assert Friend().take(order("resync", 3)).state is None


@pytest.mark.parametrize("friend", [Friend(), Friend().gone()], ids=["unknown", "gone"])
def test_a_resync_creates_nothing_and_leaves_nothing_to_do(friend):
    assert not friend.take(order("resync", 3)).changes
    assert friend.decision == "not_permitted"
    assert friend.state is None or not friend.row.rewrite


def test_five_writes_in_an_hour_without_a_line_event_and_no_more():
    friend = Friend().linked()
    for look in range(5):
        assert friend.take(sight("drifted", "901", at=3_000_000 + 10_000 * look)).changes
        friend.answer("updated", at=3_000_001 + 10_000 * look)
    assert friend.row.writes.count == 5
    assert not friend.take(sight("drifted", "901", at=4_000_000)).changes
    assert friend.decision == "blocked"
    assert friend.decisions[-1].because.code == "unstable"


def test_a_new_line_event_ends_the_loop_guard():
    friend = Friend().linked()
    for look in range(6):
        friend.take(sight("drifted", "901", at=3_000_000 + 10_000 * look))
        if friend.row.sent:
            friend.answer("updated", at=3_000_001 + 10_000 * look)
    assert friend.row.blocked.code == "unstable"
    assert friend.take(message(9, "new")).changes
    friend.answer("updated", at=4_000_000)
    assert (friend.row.blocked, friend.row.writes) == (None, None)


def test_an_operator_ends_the_loop_guard():
    friend = Friend(policy=FoldPolicy(loop_writes=1)).linked()
    friend.take(sight("drifted", "901"))
    friend.answer("updated", at=3_000_001)
    assert not friend.take(sight("drifted", "901", at=3_100_000)).changes
    assert friend.take(order("resync", 9)).changes


def test_after_an_hour_the_loop_guard_counts_anew():
    policy = FoldPolicy(loop_writes=1)
    friend = Friend(policy=policy).linked()
    friend.take(sight("drifted", "901"))
    friend.answer("updated", at=3_000_001)
    friend.now += policy.loop_window_ms
    assert friend.take(sight("drifted", "901", at=3_100_000)).changes


def test_a_shadowed_slot_is_left_out_and_its_trigger_is_not_asked_for():
    friend = Friend().linked(message(1), message(2, connection=2))
    friend.take(message(3, "more", connection=2))
    (change,) = friend.answer("merged", contact="902", asked="901", shadowed=(2,)).changes
    assert not any(name.endswith("_2") for name in change.properties)
    assert friend.row.trigger_delivered.at == T0 + 2
    friend.answer("updated")
    assert friend.decision == "shadowed"
    assert not friend.take(message(4, "still", connection=2)).changes
    assert friend.decision == "shadowed"


def test_a_contact_of_whose_slots_none_is_ours_is_left_alone():
    friend = Friend()
    friend.take(message(1))
    assert not friend.answer("adopted", contact="902", asked=None, shadowed=(1,)).changes
    assert friend.decision == "shadowed"
    (change,) = friend.take(sight("drifted", "902", shadowed=())).changes
    assert change.properties["line_user_id_1"] == friend.id
    assert change.may_create.at == T0 + 1


def test_an_erased_friend_gets_nothing_ever():
    friend = Friend().linked()
    friend.take(order("erase", 5))
    for record in (message(9), event("follow", 10), profile(1_000), order("resync", 11), sight("alive", "901")):
        made = friend.take(record)
        assert (made.state, made.changes, made.requests) == (None, [], [])
        assert friend.decision == "erased"


def test_the_answer_must_match_revision_digest_and_trigger():
    friend = Friend()
    friend.take(message(1))
    change = friend.changes[0]
    for wrong in (
        {"revision": 7},
        {"digest": "0" * 16},
        {"trigger": None},
        {"trigger": Mark(id="other", at=T0 + 1)},
    ):
        friend.take(answer_to(change, "updated", contact="901", **wrong))
        assert friend.row.sent is not None
    friend.take(answer_to(change, "created", contact="901"))
    assert friend.row.sent is None
