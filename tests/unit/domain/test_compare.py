"""HubSpot against the fold."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.compare import Expected, LiveContact, Proof, differing, expected_of, instant_of, prove, same_value
from schemas.friends import ConnectionState, Contact, FriendState
from schemas.marks import Mark, Trigger

A, B = "U" + "a" * 32, "U" + "b" * 32


def live(record: str, friend: str | None = A, **more: str | None) -> LiveContact:
    return LiveContact(id=record, properties={"line_user_id_1": friend, **more})


def expected(friend: str = A, **given: object) -> Expected:
    fields = {"friend": friend, "properties": {"line_user_id_1": friend}, "status": "live", "contact": "1"} | given
    return Expected(**fields)  # type: ignore[arg-type]  # a table of cases


def counts(proof: Proof) -> tuple[int, int, int, int, int, int]:
    return proof.equal, proof.different, proof.missing, proof.extra, proof.foreign, proof.absent


@pytest.mark.parametrize(
    ("name", "wanted", "found", "same"),
    [
        ("line_id_sync_date_1", "2026-11-22T03:11:22.123Z", "2026-11-22T03:11:22.123Z", True),
        ("line_id_sync_date_1", "2026-11-22T03:11:22.123Z", "2026-11-22T12:11:22.123+09:00", True),
        ("line_id_sync_date_1", "1970-01-01T00:00:01.000Z", "1000", True),
        ("line_id_sync_date_1", "2026-11-22T03:11:22.123Z", "2026-11-22T03:11:22.124Z", False),
        ("line_id_sync_date_1", "2026-11-22T03:11:22.123Z", "soon", False),
        ("line_user_picture_1", "", None, True),
        ("line_user_name_1", "Hana", None, False),
        ("line_last_response_1", "a\nb", "a\r\nb ", True),
        ("line_last_response_1", "1000", "1970-01-01T00:00:01Z", False),
    ],
)
def test_values_are_compared_by_what_they_mean(name: str, wanted: str, found: str | None, same: bool) -> None:
    """Instants as instants, null as empty, line ends as one; nothing else is forgiven."""
    assert same_value(name, wanted, found) is same


def test_times_without_a_zone_are_utc() -> None:
    """HubSpot's times are UTC."""
    assert instant_of("1970-01-01T00:00:01") == 1000


def test_only_wanted_properties_count() -> None:
    """What others keep in a contact is theirs; a shadowed slot is skipped."""
    found = {"firstname": "x", "line_follow_1": "false", "line_follow_2": "false"}
    wanted = {"line_follow_1": "true", "line_follow_2": "true"}
    assert differing(wanted, found, skipped=frozenset({2})) == ("line_follow_1",)


def test_an_equal_contact_is_equal() -> None:
    """One friend, one contact, equal."""
    proof = prove([expected()], [live("1")])
    assert counts(proof) == (1, 0, 0, 0, 0, 0)
    assert proof.holds


def test_an_edited_contact_is_different_by_name() -> None:
    """The finding names the property, not the value."""
    proof = prove([expected(properties={"line_user_id_1": A, "line_user_name_1": "Hana"})], [live("1")])
    assert counts(proof) == (0, 1, 0, 0, 0, 0)
    assert proof.findings[0].properties == ("line_user_name_1",)
    assert not proof.holds


@pytest.mark.parametrize("status", ["gone", "erased"])
def test_gone_and_erased_friends_want_absence(status: str) -> None:
    """No contact: all is well. A live one with the friend's id: extra."""
    assert counts(prove([expected(status=status)], [])) == (0, 0, 0, 0, 0, 1)
    assert counts(prove([expected(status=status)], [live("7")])) == (0, 0, 0, 1, 0, 1)


def test_a_linked_contact_that_is_not_there_is_missing() -> None:
    """So is one that was permitted and not made yet, and a blocked one."""
    assert counts(prove([expected()], [])) == (0, 0, 1, 0, 0, 0)
    assert counts(prove([expected(status="none", contact=None, wanted=True)], [])) == (0, 0, 1, 0, 0, 0)
    assert counts(prove([expected(status="none", contact=None, blocked=True)], [])) == (0, 0, 1, 0, 0, 0)
    assert counts(prove([expected(status="none", contact=None)], [])) == (0, 0, 0, 0, 0, 1)


def test_a_blocked_friend_counts_as_different() -> None:
    """HubSpot refused the newest projection: what is there cannot be right."""
    assert counts(prove([expected(blocked=True)], [live("1")])) == (0, 1, 0, 0, 0, 0)


def test_a_second_contact_with_the_id_is_extra_and_unknown_ids_are_foreign() -> None:
    """A twin fails the proof; the id of nobody we know does not."""
    proof = prove([expected()], [live("1"), live("2"), live("3", B)])
    assert counts(proof) == (1, 0, 0, 1, 1, 0)


def test_two_merged_friends_share_a_contact() -> None:
    """The slot holds one of them, for the other it is shadowed: both are equal."""
    shared = LiveContact(id="9", properties={"line_user_id_1": A})
    both = [expected(A, contact="9"), expected(B, contact="9", properties={}, shadowed=frozenset({1}))]
    assert counts(prove(both, [shared])) == (2, 0, 0, 0, 0, 0)


def test_a_contact_merged_away_but_not_noticed_is_different_not_missing() -> None:
    """The survivor stands for the old id until the sink has followed the merge."""
    survivor = LiveContact(id="9", properties={"line_user_id_1": A}, swallowed=frozenset({"1"}))
    assert counts(prove([expected()], [survivor])) == (0, 1, 0, 0, 0, 0)


def test_a_gone_friend_whose_contact_is_back_is_extra_whatever_it_says() -> None:
    """Restored, and the friend's id cleared: it is counted once."""
    gone = expected(status="gone")
    assert counts(prove([gone], [live("1", None)])) == (0, 0, 0, 1, 0, 1)
    assert counts(prove([gone], [live("1")])) == (0, 0, 0, 1, 0, 1)


def test_a_gone_friend_who_wrote_again_and_has_no_contact_is_missing() -> None:
    """Also while it is blocked: nobody has been shown that message."""
    row = FriendState(
        friend=A,
        revision=3,
        contact=Contact(id="1", status="gone", at=5),
        trigger=Trigger(id="01M", at=9, kind="message"),
        trigger_delivered=Mark(id="01J", at=4),
    )
    assert counts(prove([expected_of(row)], [])) == (0, 0, 1, 0, 0, 0)
    assert counts(prove([expected_of(replace(row, trigger_delivered=Mark(id="01M", at=9)))], [])) == (0, 0, 0, 0, 0, 1)


def test_values_of_a_removed_connection_are_not_compared() -> None:
    """Its properties may be gone; what stands in them is nobody's."""
    row = FriendState(
        friend=A,
        revision=3,
        connections={"1": ConnectionState(linked_at=1), "2": ConnectionState(linked_at=1)},
        contact=Contact(id="1", status="live", at=5),
    )
    contact = live("1", **{name: value for name, value in expected_of(row).properties.items() if name[-1] == "1"})
    assert counts(prove([expected_of(row)], [contact])) == (0, 1, 0, 0, 0, 0)
    assert counts(prove([expected_of(row, removed=frozenset({2}))], [contact])) == (1, 0, 0, 0, 0, 0)
