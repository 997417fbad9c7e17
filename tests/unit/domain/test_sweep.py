"""Every rule of what a sweep tells, and that it tells nothing where all is as it shall be."""

from __future__ import annotations

from typing import Any

import pytest

from domain.batch_answers import Found
from domain.projection import email_of, properties_of
from domain.sweep import DAY_MS, Look, Seen, look_of, may_retry, of_others, retries_a_rejection, sight_of, unanswered
from schemas.friends import Blocked
from schemas.outcomes import Outcome
from tests.unit.domain.world import T0, Friend, U, answer_to, coded, event, message, order, sight

OTHER = "U" + "77" * 16
AFTER = T0 + 3_000_000  # a look after all that happened to the friends below


def there(friend: Friend, record: str = "901", **given: str | None) -> Found:
    """The contact as the state says it shall be, but for what is given."""
    return Found(id=record, properties={"email": email_of(friend.id), **friend.shown, **given})


def in_bin(record: str = "901", at: int = T0 + 2_500_000) -> Found:
    return Found(id=record, archived_at=at)


def told(friend: Friend, *, at: int = AFTER, removed: frozenset[int] = frozenset(), **seen: Any) -> Outcome | None:
    return sight_of(friend.row, Seen(read_at=at, **seen), generation=4, removed=removed)


def result(outcome: Outcome | None) -> str | None:
    return None if outcome is None else outcome.result


def blocked(code: str, *, at: int = AFTER) -> Friend:
    """Linked to 901; an update was refused with this code."""
    friend = Friend().linked(message(1))
    friend.take(message(2, "b"))
    name = "parked" if code.startswith("parked") else "rejected"
    friend.answer(name, reason=coded(code.partition(":")[2] or code), at=at - T0)
    return friend


def unlinked(code: str, *, at: int = AFTER) -> Friend:
    """Nobody's contact: the creation was refused with this code."""
    friend = Friend()
    friend.take(message(1))
    name = "parked" if code.startswith("parked") else "rejected"
    friend.answer(name, contact=None, asked=None, reason=coded(code.partition(":")[2] or code), at=at - T0)
    return friend


def nowhere() -> Friend:
    """Linked, and then found neither alive nor in the bin."""
    friend = Friend().linked()
    friend.take(sight("archived", "901", reason=coded("nowhere")))
    return friend


def merged_with_another() -> Friend:
    """On two connections, and merged into 902, whose second slot is another friend's."""
    friend = Friend().linked(message(1), message(2, connection=2))
    friend.take(message(3, "c"))
    friend.answer("merged", contact="902", asked="901", shadowed=(2,))
    friend.answer("updated")
    assert friend.row.sent is None
    return friend


# What is asked


def test_a_live_contact_is_asked_for_by_id():
    assert look_of(Friend().linked().row, now=AFTER) == Look(contact="901")


def test_while_a_change_is_open_nothing_is_asked():
    friend = Friend().linked()
    friend.take(message(2, "b"))
    assert look_of(friend.row, now=AFTER) is None
    assert told(friend, alive=there(friend, line_follow_1="false")) is None


def test_a_gone_contact_is_asked_for_until_day_89_and_by_email_too():
    row = Friend().gone().row
    assert row.contact.at == T0 + 2_500_000
    assert look_of(row, now=row.contact.at + 89 * DAY_MS - 1) == Look(contact="901", email=email_of(U))
    assert look_of(row, now=row.contact.at + 89 * DAY_MS) is None


def test_friends_without_a_contact_are_asked_for_only_where_a_creation_was_refused():
    stranger = Friend()
    stranger.take(event("unfollow", 1))
    assert look_of(stranger.row, now=AFTER) is None
    assert look_of(unlinked("parked:X").row, now=AFTER) == Look(email=email_of(U))


def test_who_is_erased_is_never_asked_for():
    friend = Friend().gone()
    friend.take(sight("erased", "901", at=3_400_000))
    assert look_of(friend.row, now=AFTER + DAY_MS) is None
    assert told(friend) is None


# What is told of a live contact


def test_a_contact_as_it_shall_be_is_no_news():
    friend = Friend().linked(message(1))
    assert told(friend, alive=there(friend)) is None


def test_after_seven_days_it_is_confirmed():
    friend = Friend().linked(message(1))
    at = friend.row.contact.at + 7 * DAY_MS
    assert told(friend, alive=there(friend), at=at - 1) is None
    seen = told(friend, alive=there(friend), at=at)
    assert (result(seen), seen.contact, seen.asked, seen.read_at, seen.generation) == ("alive", "901", "901", at, 4)


@pytest.mark.parametrize("given", [{"line_follow_1": "false"}, {"line_follow_1": None}, {"line_user_id_1": "typed"}])
def test_an_edit_of_ours_is_told_and_put_right(given):
    friend = Friend().linked(message(1))
    seen = told(friend, alive=there(friend, **given))
    assert (result(seen), seen.contact, seen.shadowed) == ("drifted", "901", ())
    (change,) = friend.take(seen).changes
    assert change.properties == friend.shown


def test_what_others_keep_in_a_contact_is_no_news():
    friend = Friend().linked(message(1))
    assert told(friend, alive=there(friend, firstname="Mei", email="mei@example.com", line_follow_2="true")) is None


def test_values_of_a_removed_connection_are_no_news():
    friend = Friend().linked(message(1))
    gone = dict.fromkeys(friend.shown)
    assert result(told(friend, alive=there(friend, **gone))) == "drifted"
    assert told(friend, alive=there(friend, **gone), removed=frozenset({1})) is None


def test_deleted_is_told_with_its_time():
    friend = Friend().linked()
    seen = told(friend, archived=in_bin())
    assert (result(seen), seen.asked, seen.hubspot_at) == ("archived", "901", T0 + 2_500_000)
    friend.take(seen)
    assert (friend.row.contact.status, friend.row.contact.at) == ("gone", T0 + 2_500_000)
    assert told(friend, archived=in_bin(), at=AFTER + 1) is None


def test_nowhere_is_told_once_and_erased_a_day_later():
    friend = Friend().linked()
    seen = told(friend)
    assert (result(seen), seen.reason.code, seen.hubspot_at) == ("archived", "nowhere", None)
    friend.take(seen)
    assert friend.row.contact.nowhere_at == AFTER
    assert told(friend, at=AFTER + DAY_MS - 1) is None
    last = told(friend, at=AFTER + DAY_MS)
    assert (result(last), last.asked) == ("erased", "901")
    friend.take(last)
    assert friend.row.erased_at == AFTER + DAY_MS


def test_nowhere_after_eighty_days_is_no_more_than_deleted():
    friend = Friend().linked()
    at = friend.row.contact.at + 80 * DAY_MS
    seen = told(friend, at=at)
    assert (result(seen), seen.reason.code) == ("archived", "archived")
    alive = friend.row.contact.at
    friend.take(seen)
    assert (friend.row.contact.status, friend.row.contact.at) == ("gone", alive), "when it was deleted is not known"
    assert told(friend, at=at + 1) is None
    assert told(friend, at=at + 2 * DAY_MS) is None, "nor is it ever taken for an erasure"


def test_merged_is_followed_by_the_sink():
    friend = Friend().linked()
    seen = told(friend, alive=there(friend, "980"))
    assert (result(seen), seen.contact, seen.asked) == ("merged", "980", "901")
    (change,) = friend.take(seen).changes
    assert change.contact == "901"


def test_a_slot_that_names_another_friend_is_listed_each_time():
    friend = merged_with_another()
    whole = {**friend.shown, "line_user_id_2": OTHER, "line_follow_2": "false"}
    assert told(friend, alive=there(friend, "902", **whole)) is None, "as it was: no news"
    drifted = told(friend, alive=there(friend, "902", **whole | {"line_unanswered_1": "false"}))
    assert (result(drifted), drifted.shadowed) == ("drifted", (2,))
    confirmed = told(friend, alive=there(friend, "902", **whole), at=AFTER + 8 * DAY_MS)
    assert (result(confirmed), confirmed.shadowed) == ("alive", (2,))


def test_a_slot_that_became_free_is_told_and_written():
    friend = merged_with_another()
    seen = told(friend, alive=there(friend, "902"))
    assert (result(seen), seen.shadowed) == ("alive", ())
    (change,) = friend.take(seen).changes
    assert change.properties["line_user_id_2"] == U


def test_a_slot_that_another_friend_took_is_told_and_left_alone():
    friend = Friend().linked(message(1), message(2, connection=2))
    seen = told(friend, alive=there(friend, line_user_id_2=OTHER, line_follow_2="false"))
    assert (result(seen), seen.shadowed) == ("alive", (2,))
    friend.take(seen)
    assert "line_user_id_2" not in friend.shown


def test_only_line_user_ids_name_another_friend():
    row = Friend().linked(message(1)).row
    found = {
        value: of_others(row, Found(id="1", properties={"line_user_id_1": value})) for value in (U, OTHER, "x", "")
    }
    assert found == {U: (), OTHER: (1,), "x": (), "": ()}


# What is told of a gone one


def test_restored_is_written_whole():
    friend = Friend().gone()
    seen = told(friend, alive=there(friend, line_follow_1=None))
    assert (result(seen), seen.contact) == ("restored", "901")
    (change,) = friend.take(seen).changes
    assert (change.contact, change.properties) == ("901", friend.shown)


def test_restored_and_then_merged_is_followed():
    friend = Friend().gone()
    seen = told(friend, alive=there(friend, "980"))
    assert (result(seen), seen.contact, seen.asked) == ("restored", "980", "901")
    (change,) = friend.take(seen).changes
    assert change.contact == "901"


def test_still_in_the_bin_is_no_news():
    assert told(Friend().gone(), archived=in_bin()) is None


def test_a_live_contact_with_the_dummy_email_is_a_twin():
    friend = Friend().gone()
    seen = told(friend, archived=in_bin(), by_email=there(friend, "970", line_user_id_1=OTHER))
    assert (result(seen), seen.contact, seen.asked, seen.shadowed) == ("twin", "970", "901", (1,))
    friend.take(seen)
    assert (friend.row.contact.id, friend.row.contact.status) == ("970", "live")


def test_found_by_email_under_its_own_id_it_is_restored():
    friend = Friend().gone()
    assert result(told(friend, by_email=there(friend))) == "restored"


def test_a_contact_that_leaves_the_bin_early_becomes_erased():
    friend = Friend().gone()
    first = told(friend)
    assert (result(first), first.reason.code) == ("archived", "nowhere")
    friend.take(first)
    assert (friend.row.contact.at, friend.row.contact.nowhere_at) == (T0 + 2_500_000, AFTER)
    assert result(told(friend, at=AFTER + DAY_MS)) == "erased"


def test_one_that_leaves_it_late_does_not():
    assert told(Friend().gone(), at=T0 + 2_500_000 + 80 * DAY_MS) is None


def test_who_seemed_nowhere_and_lies_in_the_bin_is_deleted_only():
    friend = nowhere()
    seen = told(friend, archived=in_bin(), at=AFTER + 2 * DAY_MS)
    assert (result(seen), seen.reason.code) == ("archived", "archived")
    friend.take(seen)
    assert friend.row.contact.nowhere_at is None


def test_a_creation_that_was_parked_is_asked_for_again_from_the_bin():
    friend = Friend().gone()
    friend.take(message(9, "again"))
    friend.answer("parked", contact=None, reason=coded("X"), at=2_900_000)
    seen = told(friend, archived=in_bin())
    assert result(seen) == "archived"
    (change,) = friend.take(seen).changes
    assert change.may_create.at == T0 + 9


# Blocked friends, and lost answers


@pytest.mark.parametrize(
    ("code", "hours", "again"),
    [
        ("parked", 0, True),
        ("parked:hubspot_timeout", 0, True),
        ("unstable", 0, False),
        ("unstable", 1, True),
        ("INVALID_OPTION", 23, False),
        ("INVALID_OPTION", 24, True),
        ("nowhere", 24, True),
        ("NOT_PERMITTED", 2000, False),
        ("archived", 2000, False),
    ],
)
def test_what_was_refused_is_tried_again_after_a_while(code, hours, again):
    refused = Blocked(digest="d", code=code, at=AFTER)
    assert may_retry(refused, now=AFTER + hours * 3_600_000) is again


@pytest.mark.parametrize(
    ("code", "hours", "news"), [("parked:X", 0, True), ("INVALID_OPTION", 1, False), ("INVALID_OPTION", 24, True)]
)
def test_a_blocked_friend_with_a_live_contact_is_tried_again(code, hours, news):
    friend = blocked(code)
    at = AFTER + hours * 3_600_000
    edited = told(friend, alive=there(friend, line_last_response_1="hello"), at=at)
    equal = told(friend, alive=there(friend), at=at)
    assert (edited is not None, equal is not None) == (news, news)
    if news:
        assert friend.take(edited).changes


def test_deletion_is_told_of_blocked_friends_too():
    assert result(told(blocked("INVALID_OPTION"), archived=in_bin())) == "archived"


def test_a_refused_creation_is_tried_again_or_finds_a_twin():
    friend = unlinked("parked:X")
    assert result(told(friend, by_email=there(friend, "970"))) == "twin"
    nobody = told(friend)
    assert (result(nobody), nobody.contact, nobody.asked) == ("drifted", None, None)
    (change,) = friend.take(nobody).changes
    assert (change.contact, change.may_create.at) == (None, T0 + 1)


@pytest.mark.parametrize(
    ("code", "result", "counts"),
    [
        ("INVALID_OPTION", "drifted", True),
        ("INVALID_OPTION", "merged", True),
        ("INVALID_OPTION", "archived", False),
        ("INVALID_OPTION", "restored", False),
        ("parked:X", "drifted", False),
    ],
)
def test_a_sight_that_only_tries_a_rejection_again_is_told_apart(code, result, counts):
    assert retries_a_rejection(blocked(code).row, sight(result, "901")) is counts


def test_an_answer_that_is_lost_is_given_up_and_written_again():
    friend = Friend().linked()
    friend.take(message(2, "b"))
    seen = unanswered(friend.row, now=AFTER, generation=4)
    assert (seen.result, seen.revision, seen.read_at) == ("unanswered", friend.row.sent.revision, AFTER)
    (change,) = friend.take(seen).changes
    assert change.revision > seen.revision
    friend.take(answer_to(change, "updated"))
    assert unanswered(friend.row, now=AFTER, generation=4) is None


def test_an_answer_that_came_after_all_makes_it_idle_talk():
    friend = Friend().linked()
    friend.take(message(2, "b"))
    late = unanswered(friend.row, now=AFTER, generation=4)
    friend.answer("updated")
    assert not friend.take(late).changes


def test_resync_and_sweep_agree():
    """What a resync has put right is no news."""
    friend = Friend().linked(message(1))
    friend.take(order("resync", 3))
    friend.answer("updated")
    assert told(friend, alive=there(friend)) is None
    assert friend.shown == properties_of(U, friend.row.connections)
