"""What a turn says about the records it folded, and what it asks of LINE."""

import pytest

from domain.turn import Incoming, no_friend_decision
from schemas.codec import encode
from schemas.events import EventRecord
from schemas.requests import request_id
from tests.unit.domain.world import (
    RECEIVED,
    T0,
    Friend,
    U,
    event,
    imported,
    message,
    order,
    profile,
    reply,
    sight,
    unsend,
)

HOUR = 3_600_000


def test_every_folded_record_has_one_decision_in_its_order():
    friend = Friend()
    friend.take(event("follow", 1), message(2), message(2), event("postback", 3))
    said = [(decision.cause.offset, decision.cause.kind, decision.decision) for decision in friend.decisions]
    assert said == [
        (0, "follow", "changed"),
        (1, "message", "changed"),
        (2, "message", "older"),
        (3, "postback", "changed"),
    ]


def test_a_decision_names_its_record_and_what_it_rests_on():
    friend = Friend().gone(message(1))
    friend.take(event("unfollow", 5))
    decision = friend.decisions[-1]
    assert decision.cause.topic == "line.events.v1"
    assert (decision.cause.partition, decision.cause.offset) == (3, 1)
    assert decision.cause.id == event("unfollow", 5).event["webhookEventId"]
    assert (decision.friend, decision.connection, decision.at) == (U, 1, friend.now)
    assert decision.revision == friend.row.revision
    because = decision.because
    assert (because.contact, because.since) == ("gone", T0 + 2_500_000)
    assert because.trigger == because.delivered == message(1).event["webhookEventId"]


@pytest.mark.parametrize("record", [message(1), event("follow", 0), unsend(1, "m1"), event("unfollow", -1)])
def test_what_changes_no_register_is_older_and_persists_nothing(record):
    friend = Friend().linked(event("follow", 0), message(1), unsend(1, "m1"))
    made = friend.take(record)
    assert (made.state, made.changes, friend.decision) == (None, [], "older")


def test_an_event_without_a_register_repeats_what_stands():
    assert Friend().linked().take(event("beacon", 2)).decisions[0].decision == "same"
    assert Friend().gone().take(event("beacon", 2)).decisions[0].decision == "not_permitted"
    waiting = Friend()
    waiting.take(message(1))
    assert waiting.take(event("beacon", 2)).decisions[0].decision == "waiting"


def test_a_new_kind_of_a_new_friend_leaves_no_row_unless_a_profile_is_asked_for():
    friend = Friend()
    assert friend.take(event("newKind", 1, origin="import")).state is None
    assert friend.decision == "not_permitted"


def test_the_revision_grows_by_one_in_every_turn_that_changes_the_state():
    friend = Friend()
    friend.take(message(1), message(2), message(3))
    assert friend.row.revision == 1
    friend.take(message(2))
    assert friend.row.revision == 1
    friend.answer("created", contact="901", asked=None)
    assert friend.row.revision == 2


def test_the_state_remembers_the_last_decision():
    friend = Friend().linked(message(1))
    assert (friend.row.last.decision, friend.row.last.at) == ("settled", friend.now)
    assert friend.row.last.cause == friend.decisions[-1].cause.id


def test_an_event_of_nobody_is_decided_without_a_friend():
    record = EventRecord(
        connection=2,
        received_at=RECEIVED,
        origin="webhook",
        event={"type": "join", "source": {"type": "group", "groupId": "C1"}, "webhookEventId": "01G"},
    )
    decision = no_friend_decision(Incoming("line.events.v1", 4, 7, record), 5)
    assert encode(decision) == (
        b'{"connection":2,"at":5,"cause":{"id":"01G","kind":"join","topic":"line.events.v1","partition":4,'
        b'"offset":7},"decision":"no_friend"}'
    )


def test_only_events_can_be_of_nobody():
    with pytest.raises(TypeError):
        no_friend_decision(Incoming("line.results.v1", 4, 7, profile(1)), 5)


def asked(friend: Friend, record: EventRecord) -> int:
    return len(friend.take(record).requests)


def at_hour(hour: float, kind: str = "postback", **fields) -> EventRecord:
    return event(kind, int(hour * HOUR), received_at=T0 + int(hour * HOUR), **fields)


def test_a_profile_is_asked_for_on_first_sight_once():
    friend = Friend()
    (request,) = friend.take(at_hour(0)).requests
    assert request.id == request_id(1, U, request.cause)
    assert (request.kind, request.friend, request.connection, request.requested_at) == ("profile", U, 1, friend.now)
    assert friend.row.connections["1"].profile.wanted_at == T0
    assert asked(friend, at_hour(0.5)) == 0


def test_a_profile_is_asked_for_again_on_a_follow_but_not_within_an_hour():
    friend = Friend()
    friend.take(at_hour(0), profile(1))
    assert asked(friend, at_hour(0.9, "follow")) == 0
    assert asked(friend, at_hour(1.1, "follow")) == 1


def test_a_profile_older_than_a_day_is_asked_for_again_by_the_receive_time():
    friend = Friend()
    friend.take(at_hour(0), profile(1_000))
    assert asked(friend, at_hour(24)) == 0
    assert asked(friend, at_hour(24.1)) == 1
    assert asked(friend, at_hour(24.2)) == 0


def test_a_profile_that_nobody_answered_is_asked_for_again_after_an_hour():
    friend = Friend()
    friend.take(at_hour(0))
    assert asked(friend, at_hour(1)) == 1


def test_each_connection_is_asked_for_itself():
    friend = Friend()
    assert asked(friend, at_hour(0)) == 1
    assert asked(friend, at_hour(0, connection=2)) == 1


def test_the_spool_asks_and_import_operator_unfollow_do_not():
    assert asked(Friend(), at_hour(0, origin="spool")) == 1
    assert asked(Friend(), imported(1)) == 0
    assert asked(Friend(), order("erase", 1)) == 0
    assert asked(Friend(), at_hour(0, "unfollow")) == 0


def test_a_wish_for_a_profile_delays_no_contact():
    made = Friend().take(message(1))
    assert made.changes
    assert made.requests


def test_a_request_of_a_replay_has_the_same_id():
    assert Friend().take(message(1)).requests[0].id == Friend().take(message(1)).requests[0].id


def test_a_result_that_moves_nothing_is_still_read():
    friend = Friend().linked()
    friend.take(reply(1_000, "refused"))
    assert (friend.decision, friend.row.read.results) == ("settled", 0)


def test_results_and_outcomes_are_read_apart():
    friend = Friend().linked()
    friend.take(profile(1_000))
    friend.answer("updated")
    friend.take(sight("alive", "901"))
    assert (friend.row.read.outcomes, friend.row.read.results) == (2, 0)


def test_a_mixed_run_is_folded_in_its_order_and_settled_once():
    friend = Friend().linked(message(1))
    made = friend.take(message(2, "b"), profile(1_000), sight("drifted", "901"))
    (change,) = made.changes
    assert change.properties["line_user_name_1"] == "Mei"
    assert [cause.topic for cause in change.causes] == ["line.events.v1", "line.results.v1", "contact.outcomes.v1"]
