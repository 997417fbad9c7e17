"""What LINE, its networks and its friends can do to the fold, each at its worst."""

import itertools

import pytest

from domain.projection import email_of
from tests.unit.domain.world import T0, Friend, Story, U, event, message, unsend

DAY = 86_400_000
OTHER_PROVIDER = "U" + "9f" * 16


@pytest.mark.parametrize("timestamp", [-1, 0, 253_402_300_800_000, 1 << 70, 1.5, "1732250000000", None, True])
def test_an_absurd_timestamp_freezes_no_register(timestamp):
    """Without a ULID to tell the time it is a dead letter, and the next message is shown."""
    friend = Friend()
    absurd = message(1, "absurd", event_id="no ulid")
    absurd.event["timestamp"] = timestamp
    friend.take(absurd)
    assert friend.dead == ["implausible_time"]
    friend.take(message(2, "plausible"))
    assert friend.shown["line_last_response_1"] == "plausible"


def test_an_unsend_before_its_message_hides_it_whenever_it_comes():
    friend = Friend()
    friend.take(unsend(5, "m9"))
    friend.take(message(3, "secret", message_id="m9"))
    assert friend.shown["line_last_response_1"] == "[unsent]"
    assert friend.shown["line_unanswered_1"] == "true"
    assert b"secret" not in repr(friend.row).encode()


def test_the_newest_unsent_while_an_older_one_is_still_on_its_way():
    """The older one comes last and is not what is shown."""
    for records in itertools.permutations([message(20, "new", message_id="m2"), unsend(30, "m2"), message(10, "old")]):
        friend = Friend()
        for record in records:
            friend.take(record)
        assert friend.shown["line_last_response_1"] == "[unsent]"
        assert friend.row.trigger.at == T0 + 20


@pytest.mark.parametrize("count", [8, 9])
def test_unsent_in_a_row_before_their_messages(count):
    """Eight are remembered; of nine the first is not, but a newer one is shown in its place as unsent."""
    friend = Friend()
    for n in range(count):
        friend.take(unsend(100 + n, f"m{n}"))
    assert len(friend.row.connections["1"].unsent) == 8
    for n in range(count):
        friend.take(message(n + 1, f"text {n}", message_id=f"m{n}"))
    assert friend.shown["line_last_response_1"] == "[unsent]"


def test_follow_and_unfollow_of_one_millisecond_end_alike_in_any_order():
    ends = set()
    for records in itertools.permutations([event("follow", 5), event("unfollow", 5), event("follow", 5, event_id="0")]):
        friend = Friend()
        for record in records:
            friend.take(record)
        ends.add((friend.shown["line_follow_1"], friend.row.trigger.id))
    assert len(ends) == 1


def test_two_connections_of_one_provider_share_a_contact():
    story = Story().happens(message(1, "one"), message(2, "two", connection=2))
    assert (story.contact["line_last_response_1"], story.contact["line_last_response_2"]) == ("one", "two")


def test_two_connections_of_two_providers_are_two_friends_with_an_address_each():
    mine, yours = Friend(), Friend(id=OTHER_PROVIDER)
    mine.take(message(1, "one"))
    yours.take(message(1, "two", connection=2, friend=OTHER_PROVIDER))
    assert mine.changes[0].email != yours.changes[0].email == email_of(OTHER_PROVIDER)
    assert mine.changes[0].properties["line_user_id_1"] == U
    assert set(yours.changes[0].properties).isdisjoint(mine.changes[0].properties)


def test_an_event_thirty_days_late_brings_nobody_back():
    """It is older than what HubSpot has carried; only something newer does."""
    late = 40 * DAY
    story = Story(friend=Friend(now=T0 + late)).happens(message(30 * DAY, "now", received_at=T0 + late))
    (contact,) = story.hubspot.live
    story.hubspot.delete(contact)
    story.sweep()
    story.happens(message(1, "thirty days late", received_at=T0 + late), event("follow", 2, received_at=T0 + late))
    assert story.hubspot.live == {}
    story.happens(message(30 * DAY + 1, "newer", received_at=T0 + late))
    assert story.contact["line_last_response_1"] == "newer"
