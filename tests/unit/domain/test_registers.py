"""Each register is ordered by LINE's clock, whatever comes first."""

from itertools import permutations

import pytest

from domain.turn import friend_of
from tests.unit.domain.world import RECEIVED, T0, Friend, U, event, imported, message, profile, reply, unsend


def told(*records, one_by_one=True) -> Friend:
    friend = Friend()
    for batch in [[record] for record in records] if one_by_one else [records]:
        friend.take(*batch)
    return friend


def shown(*records) -> dict[str, str]:
    every = [told(*order).shown for order in permutations(records)]
    assert all(one == every[0] for one in every)
    return every[0]


def test_the_newest_of_follow_unfollow_and_import_says_whether_the_friend_follows():
    assert shown(event("follow", 1), event("unfollow", 3), imported(2))["line_follow_1"] == "false"
    assert shown(event("follow", 1), event("unfollow", 2), imported(3))["line_follow_1"] == "true"


def test_follow_and_unfollow_of_one_millisecond_are_ordered_by_their_ids():
    first, second = event("follow", 1, event_id="01A"), event("unfollow", 1, event_id="01B")
    assert shown(first, second)["line_follow_1"] == "false"
    first, second = event("follow", 1, event_id="01B"), event("unfollow", 1, event_id="01A")
    assert shown(first, second)["line_follow_1"] == "true"


def test_who_acts_counts_as_a_follower_until_line_says_otherwise():
    assert shown(event("postback", 5))["line_follow_1"] == "true"
    assert shown(event("postback", 5), event("unfollow", 1))["line_follow_1"] == "false"
    assert "line_follow_1" not in shown(unsend(1, "m1"))


def test_the_newest_message_is_shown_and_messages_of_one_millisecond_are_ordered_by_their_ids():
    assert shown(message(1, "a"), message(3, "c"), message(2, "b"))["line_last_response_1"] == "c"
    ties = message(1, "a", event_id="01A"), message(1, "b", event_id="01B", message_id="m2")
    assert shown(*ties)["line_last_response_1"] == "b"


def test_an_unsent_message_is_shown_as_unsent_and_still_waits_for_an_answer():
    values = shown(message(1, "secret"), unsend(2, "m1"))
    assert values["line_last_response_1"] == "[unsent]"
    assert values["line_unanswered_1"] == "true"


def test_nothing_of_an_unsent_text_stays_in_the_state():
    for records in permutations((message(1, "secret"), unsend(2, "m1"), message(1, "secret"))):
        inbound = told(*records).row.connections["1"].inbound
        assert (inbound.text, inbound.retracted, inbound.kind) == (None, True, "text")


def test_an_unsent_newest_message_does_not_bring_back_the_older_one():
    assert shown(message(1, "a"), message(2, "b"), unsend(3, "m2"))["line_last_response_1"] == "[unsent]"
    assert shown(message(1, "a"), message(2, "b"), unsend(3, "m1"))["line_last_response_1"] == "b"


def test_eight_unsent_messages_in_a_row_are_remembered_and_the_oldest_goes_first():
    friend = told(*(unsend(at, f"m{at}") for at in range(1, 10)))
    assert friend.row.connections["1"].unsent == tuple((f"m{at}", T0 + at) for at in range(2, 10))
    friend.take(message(20, "a", message_id="m2"))
    assert friend.shown["line_last_response_1"] == "[unsent]"


def test_an_unsend_that_is_too_old_to_be_remembered_still_retracts_what_is_shown():
    friend = told(*(unsend(at, f"m{at}") for at in range(11, 19)), message(1, "a"), unsend(2, "m1"))
    assert friend.shown["line_last_response_1"] == "[unsent]"
    assert len(friend.row.connections["1"].unsent) == 8


def test_a_chat_is_unanswered_while_it_ends_with_the_friends_message():
    assert shown(event("follow", 1))["line_unanswered_1"] == "false"
    assert shown(message(1))["line_unanswered_1"] == "true"
    assert shown(message(1), reply(2))["line_unanswered_1"] == "false"
    assert shown(message(1), reply(2), message(3))["line_unanswered_1"] == "true"
    assert shown(message(1), event("postback", 9), reply(2))["line_unanswered_1"] == "false"


@pytest.mark.parametrize(
    ("result", "clears", "unanswered"),
    [
        ("sent", True, "false"),
        ("already_sent", True, "false"),
        ("refused", True, "true"),
        ("unknown", True, "true"),
        ("sent", False, "true"),
        ("sent", None, "true"),
    ],
)
def test_only_what_reached_line_and_is_an_answer_clears_unanswered(result, clears, unanswered):
    assert shown(message(1), reply(2, result, clears=clears))["line_unanswered_1"] == unanswered


def test_an_answer_never_stands_before_the_message_that_it_answers():
    assert shown(message(500), reply(100, answers=500))["line_unanswered_1"] == "false"
    assert shown(message(500), reply(100, answers=None))["line_unanswered_1"] == "true"
    assert told(message(1), reply(999), reply(5)).row.connections["1"].outbound_at == T0 + 999


def test_the_sync_date_is_the_earliest_sign_of_life_of_the_connection():
    assert shown(message(5), event("postback", 2), unsend(1, "m9"), event("unfollow", 0))[
        "line_id_sync_date_1"
    ].endswith("20.002Z")


def test_a_profile_that_was_not_found_never_blanks_a_name():
    friend = told(message(1), profile(1_000, " Mei\r\n ", "https://p/1"), profile(2_000, None))
    assert friend.shown["line_user_name_1"] == "Mei"
    assert friend.shown["line_user_picture_1"] == "https://p/1"
    assert friend.row.connections["1"].profile.found is False


def test_a_found_profile_without_a_picture_blanks_the_picture():
    friend = told(message(1), profile(1_000, "Mei", "https://p/1"), profile(2_000, "Mei"))
    assert friend.shown["line_user_picture_1"] == ""


def test_an_older_profile_changes_nothing():
    friend = told(message(1), profile(2_000, "new"), profile(1_000, "old"))
    assert friend.shown["line_user_name_1"] == "new"
    assert friend.decision == "older"


def test_two_connections_have_registers_of_their_own():
    values = shown(message(1, "a"), message(2, "b", connection=2), event("unfollow", 3, connection=2))
    assert (values["line_last_response_1"], values["line_last_response_2"]) == ("a", "b")
    assert (values["line_follow_1"], values["line_follow_2"]) == ("true", "false")


def test_the_properties_are_named_and_written_as_the_contract_says():
    friend = told(event("follow", 1), message(2, " a\r\nb "), profile(1_000, "Mei", "https://p/1"))
    assert friend.shown == {
        "line_user_id_1": U,
        "line_user_name_1": "Mei",
        "line_user_picture_1": "https://p/1",
        "line_follow_1": "true",
        "line_id_sync_date_1": "2024-11-22T04:33:20.001Z",
        "line_unanswered_1": "true",
        "line_last_response_1": "a\nb",
    }


@pytest.mark.parametrize("body", [{}, {"message": None}, {"message": {"id": 5, "type": ["x"]}}, {"message": "x"}])
def test_a_message_without_a_readable_body_still_counts(body):
    friend = told(event("message", 1, **body))
    assert friend.shown["line_last_response_1"] == "[unknown]"
    assert friend.row.trigger.kind == "message"


@pytest.mark.parametrize("body", [{}, {"unsend": None}, {"unsend": {"messageId": ["x"]}}])
def test_an_unsend_of_nothing_changes_nothing(body):
    assert told(message(1), event("unsend", 2, **body)).shown["line_last_response_1"] == "hello"


def test_kinds_of_ours_that_come_from_elsewhere_are_no_orders():
    friend = told(message(1), event("erase", 2), event("resync", 3), event("imported", 4))
    assert friend.row.erased_at is None
    assert friend.row.connections["1"].follow is None
    assert {decision.cause.kind for decision in friend.decisions[1:]} == {"unknown"}


def test_an_event_thirty_days_late_still_finds_its_place():
    friend = told(message(30 * 86_400_000, received_at=RECEIVED + 31 * 86_400_000), message(1, "late"))
    assert friend.shown["line_last_response_1"] == "hello"
    assert friend.shown["line_id_sync_date_1"].endswith("20.001Z")


@pytest.mark.parametrize(
    ("source", "friend"),
    [
        ({"type": "user", "userId": U}, U),
        ({"type": "user", "userId": "LU" + "a" * 66}, "LU" + "a" * 66),
        ({"type": "user", "userId": ""}, None),
        ({"type": "user", "userId": 5}, None),
        ({"type": "user"}, None),
        ({"type": "group", "groupId": "C1", "userId": U}, None),
        ({"type": "room", "roomId": "R1", "userId": U}, None),
        ("user", None),
        (None, None),
    ],
)
def test_only_one_to_one_events_have_a_friend(source, friend):
    assert friend_of({"type": "message", "source": source}) == friend
