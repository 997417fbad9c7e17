"""When a contact may come, and come back: the table of DESIGN 4.3, case by case, on the real turn."""

import pytest

from domain.policy import FoldPolicy
from tests.unit.domain.world import (
    T0,
    ContactRow,
    Friend,
    Story,
    U,
    email,
    event,
    imported,
    message,
    profile,
    reply,
    unsend,
)

ACTIONS = [
    pytest.param(event("follow", 1, follow={"isUnblocked": False}), id="row 1: follow"),
    pytest.param(message(1), id="row 1: message"),
    pytest.param(event("postback", 1, postback={"data": "a"}), id="row 1: postback"),
    pytest.param(event("videoPlayComplete", 1), id="row 1: videoPlayComplete"),
    pytest.param(event("beacon", 1), id="row 1: beacon"),
    pytest.param(event("accountLink", 1, link={"result": "ok", "nonce": "n"}), id="row 1: accountLink ok"),
    pytest.param(event("membership", 1, membership={"type": "joined"}), id="row 1: membership joined"),
    pytest.param(imported(1), id="row 1: import"),
    pytest.param(message(1, mode="standby"), id="row 1: message in standby"),
]
NO_ACTIONS = [
    pytest.param(event("unfollow", 1), id="row 2: unfollow"),
    pytest.param(unsend(1, "m0"), id="row 2: unsend"),
    pytest.param(event("accountLink", 1, link={"result": "failed"}), id="row 2: accountLink failed"),
    pytest.param(event("membership", 1, membership={"type": "left"}), id="row 2: membership left"),
    pytest.param(event("somethingNew", 1), id="row 2: a kind that we do not know"),
]
NOT_A_TRIGGER = [
    pytest.param(event("unfollow", 9), id="row 4: unfollow"),
    pytest.param(unsend(9, "m1"), id="row 4: unsend"),
    pytest.param(event("postback", 9), id="row 4: postback"),
    pytest.param(event("beacon", 9), id="row 4: beacon"),
    pytest.param(profile(1_009), id="row 4: profile"),
    pytest.param(reply(1_009), id="row 4: staff reply"),
    pytest.param(imported(9), id="row 4: import"),
]


def deleted() -> Story:
    """Two connections, a message each, a contact, and a person who deletes it."""
    story = Story().happens(message(1), event("follow", 2, connection=2))
    story.hubspot.delete("9001")
    return story


@pytest.mark.parametrize("record", ACTIONS)
def test_an_act_of_the_friend_makes_the_first_contact(record):
    story = Story().happens(record)
    assert list(story.hubspot.live) == ["9001"]
    assert story.hubspot.contacts["9001"].email == f"{U}@line.me".lower() == email()
    assert story.contact["line_user_id_1"] == U
    assert story.contact["line_follow_1"] == "true"


@pytest.mark.parametrize("record", NO_ACTIONS)
def test_nothing_else_makes_the_first_contact(record):
    story = Story().happens(record)
    assert not story.hubspot.contacts
    assert not story.friend.changes
    assert story.friend.decision == "not_permitted"


def test_row_2_the_registers_of_who_has_no_contact_are_kept():
    story = Story().happens(event("unfollow", 5), event("postback", 4))
    assert story.contact["line_follow_1"] == "false"


@pytest.mark.parametrize(
    "record", [pytest.param(message(9), id="row 3: message"), pytest.param(event("follow", 9), id="row 3: follow")]
)
def test_a_newer_trigger_brings_a_deleted_contact_back_with_every_connection(record):
    story = deleted().happens(record)
    assert list(story.hubspot.live) == ["9002"]
    assert {"line_user_id_1", "line_user_id_2", "line_follow_2"} <= set(story.contact)
    assert story.contact["line_id_sync_date_1"] == "2024-11-22T04:33:20.001Z"


@pytest.mark.parametrize("seen", [True, False], ids=["seen by the sweep", "not yet seen"])
@pytest.mark.parametrize("record", NOT_A_TRIGGER)
def test_nothing_else_brings_a_deleted_contact_back(record, seen):
    story = deleted()
    if seen:
        story.sweep()
    story.happens(record)
    assert not story.hubspot.live
    assert story.friend.row.sent is None
    if seen:
        assert story.friend.decision == "not_permitted"


def test_row_4_a_sweep_brings_nothing_back():
    assert not deleted().sweep().sweep().hubspot.live


def test_row_5_a_redelivery_or_an_older_event_brings_nothing_back():
    story = deleted().sweep()
    story.happens(message(1), event("follow", 2, connection=2), message(0), event("follow", 1, connection=2))
    assert not story.hubspot.live
    assert not story.friend.row.rewrite


def test_row_6_a_message_that_no_write_carried_creates_when_the_sink_catches_up():
    story = Story().happens(message(1))
    story.happens(message(9, "anyone?"), sink=False)
    story.hubspot.delete("9001")
    story.catch_up()
    assert story.contact["line_last_response_1"] == "anyone?"


def test_row_6_the_same_text_again_still_reaches_hubspot_once():
    story = Story().happens(message(1, "hello"))
    story.hubspot.delete("9001")
    story.happens(message(9, "hello"))
    assert list(story.hubspot.live) == ["9002"]
    assert len(story.friend.changes) == 2


def test_row_7_a_message_unsent_before_delivery_creates_without_its_text():
    story = deleted().sweep()
    story.happens(message(9, "oh no"), unsend(10, "m9"), sink=False)
    story.catch_up()
    assert story.contact["line_last_response_1"] == "[unsent]"
    assert story.contact["line_unanswered_1"] == "true"


@pytest.mark.parametrize("connection", [1, 2])
def test_row_8_a_message_on_either_connection_creates_once_with_both_slots(connection):
    story = deleted().happens(message(9, connection=connection), message(10, connection=connection))
    assert story.hubspot.created == 2
    assert {"line_user_id_1", "line_user_id_2"} <= set(story.contact)


@pytest.mark.parametrize("record", [message(9), event("unfollow", 9), event("postback", 9), profile(1_009)])
@pytest.mark.parametrize("swept", [True, False])
def test_row_9_after_a_merge_the_survivor_is_updated_and_nothing_created(record, swept):
    story = Story().happens(message(1))
    story.hubspot.contacts["777"] = ContactRow("mei@example.com", {})
    story.hubspot.merge("9001", "777")
    if swept:
        story.sweep()
    story.happens(record)
    assert story.hubspot.created == 1
    if swept or story.friend.row.contact.id == "777":
        assert story.contact["line_user_id_1"] == U
        assert story.friend.row.contact.id == "777"


def test_row_10_an_edited_email_is_left_alone_and_the_contact_updated_by_id():
    story = Story().happens(message(1))
    story.hubspot.edit_email("9001", "mei@example.com")
    story.happens(message(9, "again"))
    assert story.hubspot.contacts["9001"].email == "mei@example.com"
    assert story.contact["line_last_response_1"] == "again"
    assert story.hubspot.created == 1


def test_row_11_a_restored_contact_is_linked_again_and_written_whole():
    story = deleted().sweep().happens(event("unfollow", 9))
    story.hubspot.restore("9001")
    story.sweep()
    assert story.friend.row.contact.id == "9001"
    assert story.friend.row.contact.status == "live"
    assert story.contact["line_follow_1"] == "false"
    assert story.hubspot.created == 1


def test_row_12_nobody_erased_comes_back():
    story = Story().happens(message(1))
    story.hubspot.erase("9001")
    story.sweep().happens(message(9), event("follow", 10), imported(11), profile(1_012))
    assert not story.hubspot.contacts
    assert story.friend.decision == "erased"
    assert story.friend.row.erased_at is not None
    assert story.friend.row.connections == {}


def test_row_12_where_the_operator_wants_it_a_trigger_after_the_erasure_starts_afresh():
    story = Story(friend=Friend(policy=FoldPolicy(recreate_after_erasure=True))).happens(message(1, "old"))
    story.hubspot.erase("9001")
    story.hubspot.blocklist.clear()
    story.sweep()
    erased_at = story.friend.row.erased_at - T0
    late = erased_at + 10_000_000
    story.happens(message(9, "late"), event("postback", erased_at + 1, received_at=T0 + late))
    assert not story.hubspot.contacts
    story.happens(message(erased_at + 2, "new", received_at=T0 + late))
    assert story.contact["line_last_response_1"] == "new"
    assert story.contact["line_id_sync_date_1"] > "2024-11-22T05"


def test_row_13_a_blocklisted_create_is_an_erasure():
    story = Story()
    story.hubspot.blocklist.add(email())
    story.happens(message(1), message(2))
    assert story.friend.row.erased_at is not None
    assert len(story.friend.changes) == 1


def test_row_14_a_contact_of_another_tool_is_adopted_and_not_doubled():
    story = Story()
    story.hubspot.contacts["555"] = ContactRow(email(), {"firstname": "Mei"})
    story.happens(event("follow", 1), message(2))
    assert story.hubspot.created == 0
    assert story.friend.row.contact.id == "555"
    assert story.contact["line_last_response_1"] == "hello"


def test_a_profile_that_cannot_be_read_neither_delays_nor_drops_a_contact():
    story = Story().happens(message(1))
    assert story.hubspot.live
    assert story.friend.requests
    story.happens(profile(1_000, None))
    assert len(story.friend.changes) == 1


def test_an_id_that_does_not_fit_an_email_makes_no_contact():
    long = "LU" + "a" * 32 + "-U" + "b" * 32
    story = Story(friend=Friend(id=long)).happens(message(1, friend=long))
    assert not story.hubspot.contacts
    assert story.friend.decisions[-1].because.code == "id_too_long"
    assert story.friend.decision == "not_permitted"
