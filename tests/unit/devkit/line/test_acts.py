"""What people do becomes the documented events, and the world remembers it."""

import pytest

from devkit.line.acts import ACTS, Acts, act_of
from devkit.line.contents import CONTENTS
from devkit.line.identifiers import ulid_ms
from devkit.line.model import Account, Group, Person
from devkit.line.signature import Json
from devkit.line.world import UnknownReferenceError, World

NOW = 1_760_922_682_123


def account(provider: str = "p", channel_id: str = "1001") -> Account:
    return Account(
        channel_id=channel_id,
        channel_secret="0" * 32,
        bot_user_id="U" + channel_id.rjust(32, "0"),
        basic_id="@shop",
        display_name="Shop",
        provider=provider,
    )


@pytest.fixture
def world() -> World:
    made = World(seed=1)
    made.people["mari"] = Person(key="mari", display_name="まり")
    made.people["pc"] = Person(key="pc", display_name="PC", consented=False)
    return made


@pytest.fixture
def acts(world: World) -> Acts:
    return Acts(world)


@pytest.fixture
def mari(world: World) -> Person:
    return world.people["mari"]


def nulls(value: object) -> bool:
    """Tell whether null stands anywhere in a JSON value."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return value is None or any(nulls(part) for part in inner)


def test_a_user_id_is_the_same_in_one_provider_and_another_in_the_next(world: World, mari: Person) -> None:
    first, second, foreign = account(), account(channel_id="1002"), account("q", "1003")
    assert world.user_id(first, mari) == world.user_id(second, mari) != world.user_id(foreign, mari)
    assert world.known(foreign, world.user_id(first, mari)) is None


def test_a_follow_tells_a_new_friend_from_one_who_unblocks(acts: Acts, mari: Person) -> None:
    shop = account()
    first = acts.follow(shop, mari, NOW)
    again = acts.follow(shop, mari, NOW + 1)
    left = acts.unfollow(shop, mari, NOW + 2)
    back = acts.follow(shop, mari, NOW + 3)
    assert first is not None
    assert back is not None
    assert (first["follow"], again, back["follow"]) == ({"isUnblocked": False}, None, {"isUnblocked": True})
    assert left["type"] == "unfollow"
    assert "replyToken" not in left


def test_an_event_has_the_documented_shape(acts: Acts, world: World, mari: Person) -> None:
    shop = account()
    event = acts.message(shop, mari, NOW, text="🤨")
    assert event["source"] == {"type": "user", "userId": world.user_id(shop, mari)}
    assert event["timestamp"] == NOW
    assert 0 <= ulid_ms(event["webhookEventId"]) - NOW <= 153
    assert len(event["webhookEventId"]) == 26
    assert event["deliveryContext"] == {"isRedelivery": False}
    assert event["mode"] == "active"
    assert event["message"].keys() == {"type", "id", "quoteToken", "text", "markAsReadToken"}
    assert int(event["message"]["id"]) > 2**53
    assert event["replyToken"] in world.reply_tokens


def test_standby_has_no_reply_token(acts: Acts, mari: Person) -> None:
    shop = account()
    shop.mode = "standby"
    event = acts.follow(shop, mari, NOW)
    assert event is not None
    assert event["mode"] == "standby"
    assert "replyToken" not in event


def test_nobody_acts_twice_in_one_millisecond(acts: Acts, mari: Person) -> None:
    shop = account()
    times = [acts.message(shop, mari, NOW)["timestamp"] for _ in range(3)]
    assert times == [NOW, NOW + 1, NOW + 2]


def test_a_user_without_consent_has_no_id_in_events(acts: Acts, world: World) -> None:
    assert acts.message(account(), world.people["pc"], NOW)["source"] == {"type": "user"}
    assert acts.membership(account(), world.people["pc"], NOW) is None


def test_a_failed_account_link_names_nobody(acts: Acts, mari: Person) -> None:
    event = acts.account_link(account(), mari, NOW, result="failed")
    assert "source" not in event
    assert "replyToken" not in event
    assert "source" in acts.account_link(account(), mari, NOW)


def test_a_group_message_names_group_and_user(acts: Acts, world: World, mari: Person) -> None:
    world.groups["C1"], world.groups["R1"] = Group("C1"), Group("R1")
    shop = account()
    group, room = acts.group_message(shop, mari, NOW, "C1"), acts.group_message(shop, mari, NOW, "R1")
    user_id = world.user_id(shop, mari)
    assert group["source"] == {"type": "group", "groupId": "C1", "userId": user_id}
    assert room["source"] == {"type": "room", "roomId": "R1", "userId": user_id}
    assert acts.join(shop, NOW, "C1")["source"] == {"type": "group", "groupId": "C1"}


@pytest.mark.parametrize("name", sorted({*ACTS, *CONTENTS, "block"}))
def test_no_act_sends_null(acts: Acts, world: World, mari: Person, name: str) -> None:
    """Properties without value are left out, in every event there is."""
    world.groups["C1"] = Group("C1")
    needed: dict[str, Json] = {"postback": {"data": "a=1"}, "unsend": {"message_id": "1"}}
    needed |= {kind: {"group": "C1"} for kind in ("group_message", "join", "leave", "member_joined", "member_left")}
    who = () if name in ("join", "leave") else (mari,)
    event = act_of(acts, name)(account(), *who, NOW, **needed.get(name, {}))
    assert event is not None
    assert not nulls(event)
    assert event.keys() >= {"type", "mode", "timestamp", "webhookEventId", "deliveryContext"}


def test_an_unknown_name_is_told(acts: Acts, world: World) -> None:
    with pytest.raises(KeyError, match="no act 'dance'"):
        act_of(acts, "dance")
    with pytest.raises(UnknownReferenceError, match="no user 'ken'"):
        world.person("ken")


def test_a_profile_is_readable_by_friends_and_those_who_wrote(acts: Acts, world: World, mari: Person) -> None:
    shop = account()
    user_id = world.user_id(shop, mari)
    assert world.profile(shop, user_id) is None
    acts.message(shop, mari, NOW)
    assert world.profile(shop, user_id) == {"displayName": "まり", "userId": user_id}
    acts.unfollow(shop, mari, NOW)
    assert world.profile(shop, user_id) is None
