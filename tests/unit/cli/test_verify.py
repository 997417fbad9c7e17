"""What verify expects of HubSpot follows from the row alone."""

from domain.compare import expected_of
from schemas.friends import Blocked, ConnectionState, Contact, Follow, FriendState
from schemas.marks import Trigger

FOLLOW = Follow(value=True, at=5, id="01J")
TRIGGER = Trigger(id="01J", at=5, kind="follow")


def test_a_linked_friend_is_expected_with_every_slot_but_the_shadowed() -> None:
    row = FriendState(
        friend="U1",
        revision=1,
        connections={"1": ConnectionState(follow=FOLLOW), "2": ConnectionState(follow=FOLLOW, shadowed=True)},
        contact=Contact(id="90001", status="live", at=9),
    )
    wanted = expected_of(row)
    assert (wanted.status, wanted.contact, wanted.shadowed) == ("live", "90001", frozenset({2}))
    assert wanted.properties["line_follow_1"] == "true"
    assert not [name for name in wanted.properties if name.endswith("_2")]


def test_an_erased_friend_is_expected_to_be_absent() -> None:
    assert expected_of(FriendState(friend="U1", revision=4, erased_at=7)).status == "erased"


def test_a_friend_with_a_trigger_and_no_contact_is_missed() -> None:
    row = FriendState(friend="U1", revision=1, trigger=TRIGGER)
    assert (expected_of(row).status, expected_of(row).wanted) == ("none", True)


def test_a_friend_who_only_left_is_not_missed() -> None:
    row = FriendState(friend="U1", revision=1, connections={"1": ConnectionState(follow=FOLLOW)})
    assert expected_of(row).wanted is False


def test_an_id_that_fits_no_address_is_not_missed() -> None:
    assert expected_of(FriendState(friend="L" * 68, revision=1, trigger=TRIGGER)).wanted is False


def test_a_blocked_friend_is_told_apart() -> None:
    row = FriendState(friend="U1", revision=1, blocked=Blocked(digest="d", code="INVALID_EMAIL", at=1))
    assert expected_of(row).blocked is True
