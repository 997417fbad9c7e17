"""The independent expectation: what it says about small lives, and that it sees every kind of difference."""

from __future__ import annotations

from itertools import permutations

import pytest

from cli.demo_world.expectation import Face, differences, expected_contacts
from devkit.line import Json
from devkit.line.events import again
from devkit.traffic import LineFriends

START = 1_760_000_000_000


@pytest.fixture
def friends() -> LineFriends:
    return LineFriends(2, seed=5)


def expected_of(events: list[Json], friend: str) -> dict[str, str]:
    return expected_contacts(events, {friend: Face("Mari", "https://pictures/1")}, 3)[friend]


def test_a_follow_makes_a_contact(friends: LineFriends) -> None:
    """All that is known after a follow; no Last Response yet."""
    friend = friends.ids[0]
    assert expected_of([friends.follow(friend, START)], friend) == {
        "email": f"{friend}@line.me".lower(),
        "line_user_id_3": friend,
        "line_user_name_3": "Mari",
        "line_user_picture_3": "https://pictures/1",
        "line_follow_3": "true",
        "line_id_sync_date_3": "2025-10-09T08:53:20Z",
        "line_unanswered_3": "false",
    }


def test_any_order_and_any_copies_say_the_same(friends: LineFriends) -> None:
    """Duplicates, redeliveries and permutations change nothing."""
    friend = friends.ids[0]
    life = [
        friends.follow(friend, START),
        friends.message(friend, START + 1, text="hello "),
        friends.unfollow(friend, START + 2),
        friends.message(friend, START + 3, kind="sticker", keywords=["love"]),
    ]
    usual = expected_of(life, friend)
    assert usual["line_last_response_3"] == "[sticker: love]"
    assert usual["line_follow_3"] == "false"
    for order in permutations(life):
        copies = [again(event, redelivery=True) for event in order]
        assert expected_of([*order, *copies], friend) == usual


def test_an_unsent_last_message_still_waits_for_an_answer(friends: LineFriends) -> None:
    """Its text is gone, Unanswered stays."""
    friend = friends.ids[0]
    written = friends.message(friend, START, text="secret")
    life = [written, friends.unsend(friend, START + 1, written["message"]["id"])]
    assert expected_of(life, friend)["line_last_response_3"] == "[unsent]"
    assert expected_of(life, friend)["line_unanswered_3"] == "true"


def test_who_only_unfollows_has_no_contact(friends: LineFriends) -> None:
    assert expected_contacts([friends.unfollow(friends.ids[0], START)], {}, 1) == {}


def test_every_kind_of_difference_is_seen(friends: LineFriends) -> None:
    """A missing, a doubled, a differing and a superfluous contact; equal instants in other writing are equal."""
    one, two = friends.ids
    expected = expected_contacts([friends.follow(one, START), friends.follow(two, START)], {}, 1)
    right = [dict(expected[one], line_id_sync_date_1=str(START)), dict(expected[two], firstname="of no interest")]
    assert differences(expected, right, 1) == {}
    assert differences(expected, right[:1], 1) == {two: ["0 contacts instead of one"]}
    assert differences(expected, [*right, right[0]], 1) == {one: ["2 contacts instead of one"]}
    assert differences(expected, [*right, {"line_user_id_1": "Ux"}], 1) == {"Ux": ["a contact nobody may have made"]}
    wrong = [right[0], right[1] | {"line_follow_1": "false"}]
    assert differences(expected, wrong, 1) == {two: ["line_follow_1: expected 'true', HubSpot has 'false'"]}
    assert differences(expected, [*right, {"email": "somebody@example.com"}], 1) == {}, "foreign contacts are not ours"
