"""Reply tokens, retry keys and quota by the clock that is passed in."""

import uuid

import pytest

from devkit.line.acts import Acts
from devkit.line.model import Account, Group, Person
from devkit.line.sending import DAY, MINUTE, Sending
from devkit.line.signature import Json
from devkit.line.world import World

NOW = 1_760_922_682_123
HI: Json = {"messages": [{"type": "text", "text": "hi"}]}


@pytest.fixture
def world() -> World:
    made = World(seed=1)
    made.accounts["1"] = Account(
        channel_id="1",
        channel_secret="s",
        bot_user_id="U" + "1" * 32,
        basic_id="@s",
        display_name="Shop",
        provider="p",
    )
    made.people["mari"] = Person(key="mari", display_name="Mari")
    return made


@pytest.fixture
def shop(world: World) -> Account:
    return world.accounts["1"]


@pytest.mark.parametrize(
    ("received", "used_at", "status"),
    [
        (NOW, NOW + MINUTE, 200),
        (NOW, NOW + MINUTE + 1, 400),
        (NOW + 19 * MINUTE, NOW + 20 * MINUTE, 200),
        (NOW + 20 * MINUTE, NOW + 20 * MINUTE + 1, 400),
    ],
)
def test_a_reply_token_lives_a_minute_from_receipt_and_twenty_from_the_event(
    world: World, shop: Account, received: int, used_at: int, status: int
) -> None:
    event = Acts(world).message(shop, world.people["mari"], NOW)
    world.reply_tokens[event["replyToken"]].received_at = received
    answer = Sending(world).reply(shop, {"replyToken": event["replyToken"], **HI}, used_at)
    assert answer.status == status


def test_a_retry_key_is_forgotten_after_a_day(world: World, shop: Account) -> None:
    Acts(world).follow(shop, world.people["mari"], NOW)
    sending, key = Sending(world), str(uuid.uuid4())
    body = {"to": world.user_id(shop, world.people["mari"]), **HI}
    statuses = [sending.push(shop, body, at, key, f"r{at}").status for at in (NOW, NOW + DAY, NOW + DAY + 1)]
    assert statuses == [200, 409, 200]


def test_a_malformed_retry_key_is_refused(world: World, shop: Account) -> None:
    assert Sending(world).push(shop, {"to": "U" + "0" * 32, **HI}, NOW, "key", "r").status == 400


def test_who_wrote_can_be_pushed_to_for_seven_days(world: World, shop: Account) -> None:
    mari, sending = world.people["mari"], Sending(world)
    Acts(world).message(shop, mari, NOW)
    body = {"to": world.user_id(shop, mari), **HI}
    statuses = [sending.push(shop, body, at, None, "r").status for at in (NOW + 7 * DAY, NOW + 7 * DAY + 1)]
    assert (statuses, len(sending.sent)) == ([200, 200], 1)


def test_strangers_and_foreign_groups_refuse_a_push(world: World, shop: Account) -> None:
    sending = Sending(world)
    world.groups["C" + "3" * 32] = Group("C" + "3" * 32)
    answers = [sending.push(shop, {"to": to, **HI}, NOW, None, "r") for to in ("U" + "0" * 32, "C" + "3" * 32)]
    assert [(answer.status, answer.body) for answer in answers] == [(400, {"message": "Failed to send messages"})] * 2
    assert sending.push(shop, {"to": "me", **HI}, NOW, None, "r").status == 400


def test_multicast_names_the_unknown_id_and_sends_nothing(world: World, shop: Account) -> None:
    Acts(world).follow(shop, world.people["mari"], NOW)
    sending = Sending(world)
    to = [world.user_id(shop, world.people["mari"]), "U" + "0" * 32]
    answer = sending.multicast(shop, {"to": to, **HI}, NOW, None, "r")
    assert isinstance(answer.body, dict)
    assert "to[1]" in answer.body["message"]
    assert not sending.sent


def test_an_invalid_message_is_named_by_its_path(world: World, shop: Account) -> None:
    Acts(world).follow(shop, world.people["mari"], NOW)
    messages = [{"type": "text", "text": "🍎" * 2500}, {"type": "text", "text": "🍎" * 2501}, {"type": "hologram"}]
    body = {"to": world.user_id(shop, world.people["mari"]), "messages": messages}
    answer = Sending(world).push(shop, body, NOW, None, "r")
    assert isinstance(answer.body, dict)
    assert answer.body["message"] == "The request body has 2 error(s)"
    assert [detail["property"] for detail in answer.body["details"]] == ["messages[1].text", "messages[2].type"]
