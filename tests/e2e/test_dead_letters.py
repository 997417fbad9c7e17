"""What nobody can process: kept, listed, shown, put back, dropped. Through the program alone, on real Kafka."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from cli.demo_world.world import World
from devkit.line import encode, sign
from devkit.line.events import envelope
from runtime.appender import Appender, partition_of
from runtime.clock import now_ms
from schemas.dead_letters import dead_letter_headers
from schemas.topics import CHANGES, DEAD_LETTERS, EVENTS
from tests.e2e.conftest import PARTITIONS

if TYPE_CHECKING:
    from tests.e2e.conftest import Friend

    People = Callable[[str], Friend]

pytestmark = pytest.mark.asyncio(loop_scope="module")

POISON = b'{"connection":1,"origin":"webhook","event":{"type":"message","text":"0901234567"}}'  # no received_at


async def append(world: World, topic: str, key: str, value: bytes, headers: Any = ()) -> None:
    appender = Appender(world.up.ready["kafka"], client_id="test")
    try:
        await appender.append(topic, partition_of(key.encode(), PARTITIONS), [(key.encode(), value, list(headers))])
    finally:
        await appender.stop()


async def deadletters(world: World, *args: str, accept: tuple[int, ...] = (0,)) -> Any:
    said = await world.verb("deadletters", *args, "--json", accept=accept)
    assert "0901234567" not in said.out + said.err or "--reveal" in args
    return said.json


async def post(world: World, body: bytes) -> int:
    headers = {"Content-Type": "application/json", "x-line-signature": sign(world.shop.channel_secret, body)}
    async with (
        aiohttp.ClientSession() as session,
        session.post(world.shop.endpoint or "", data=body, headers=headers) as answer,
    ):
        return answer.status


async def test_poison_is_kept_and_put_back_it_is_a_new_letter_and_no_loop(world: World, people: People) -> None:
    mari = people("Mari")
    await mari.follows()
    await append(world, EVENTS.name, mari.id, POISON)
    await mari.writes("after the poison")
    assert (await world.idle())["dead_letters"] == 1
    assert mari.values("last_response") == ("after the poison",), "its neighbours went on"

    [first] = (await deadletters(world, "list", "--friend", mari.id))["letters"]
    assert (first["stage"], first["reason"], first["topic"]) == ("fold", "unreadable", EVENTS.name)
    assert mari.id not in str(first)
    shown = await deadletters(world, "show", first["letter"])
    assert shown["value"]["event"] == {"type": "message", "text": "(10 characters)"}
    assert mari.id not in str(shown)
    revealed = await deadletters(world, "show", first["letter"], "--reveal")
    assert (revealed["key"], revealed["value"]["event"]["text"]) == (mari.id, "0901234567")
    why = (await world.verb("why", mari.id)).out
    assert f"deadletters show {first['letter']}" in " ".join(why.split())

    dry = await deadletters(world, "replay", first["letter"], "--dry-run")
    assert (dry["replayed"], dry["letters"][0]["action"], dry["letters"][0]["code"]) == (1, "put_back", "unreadable")
    assert (await world.idle())["dead_letters"] == 1
    await deadletters(world, "replay", first["letter"])
    assert (await world.idle())["dead_letters"] == 1, "put back, it died again, once"
    [second] = (await deadletters(world, "list"))["letters"]
    assert second["letter"] != first["letter"]
    assert second["offset"] > first["offset"]
    assert (await deadletters(world, "replay", first["letter"], accept=(4,)))["letters"][0]["code"] == "settled"
    both = (await deadletters(world, "list", "--settled"))["letters"]
    assert [(one["letter"], one.get("became")) for one in both] == [
        (second["letter"], None),
        (first["letter"], "replayed"),
    ]

    assert (await deadletters(world, "drop", second["letter"], "--yes"))["dropped"] == 1
    assert (await world.idle())["dead_letters"] == 0
    assert (await deadletters(world, "list"))["letters"] == []


async def test_a_webhook_of_another_account_is_left_where_it_is(world: World) -> None:
    user = world.line.add_user("Stranger")
    event = world.line.perform("text", world.shop, user, text="for another shop")
    assert event is not None
    assert await post(world, encode(envelope("U" + "0f" * 16, [event]), escape=False)) == 200
    await world.idle()
    refused = await deadletters(world, "replay", "--stage", "ingress", accept=(4,))
    assert [(one["action"], one["code"]) for one in refused["letters"]] == [("refused", "wrong_destination")]
    assert (await deadletters(world, "drop", "--reason", "wrong_destination", "--yes"))["dropped"] == 1


async def test_a_webhook_that_can_be_read_now_becomes_a_contact(world: World) -> None:
    """As if an older ingress had not understood it."""
    user = world.line.add_user("Early bird")
    event = world.line.perform("text", world.shop, user, text="too early")
    assert event is not None
    body = encode(envelope(world.shop.bot_user_id, [event]), escape=False)
    key = f"connection:{world.number}"
    headers = dead_letter_headers(
        [], topic=EVENTS.name, partition=0, offset=-1, at=now_ms(), stage="ingress", reason="not_a_webhook"
    )
    await append(world, DEAD_LETTERS.name, key, body, headers)
    done = await deadletters(world, "replay", "--reason", "not_a_webhook")
    assert [(one["action"], one["appended"]) for one in done["letters"]] == [("read_again", [EVENTS.name])]
    assert (await world.idle())["dead_letters"] == 0
    contact = world.contact(world.line.user_id(world.shop, user))
    assert contact is not None
    assert contact.properties[world.property("last_response")] == "too early"


async def test_an_old_change_is_settled_anew_and_never_sent_again(world: World, people: People) -> None:
    """A person deleted the contact since: the replay brings nothing back."""
    ken = people("Ken")
    await ken.writes("hello")
    await world.idle()
    contact = ken.contact()
    assert contact is not None
    await append(world, CHANGES.name, ken.id, b'{"friend":"somebody else"')
    assert (await world.idle())["dead_letters"] == 1
    world.hubspot.people.delete_contact(contact.id)
    changes = (await world.verb("status", "--json")).json["ends"][CHANGES.name]
    done = await deadletters(world, "replay", "--stage", "hubspot")
    assert [(one["action"], one["appended"]) for one in done["letters"]] == [("settle_anew", [EVENTS.name])]
    after = await world.idle()
    assert (after["dead_letters"], after["ends"][CHANGES.name]) == (0, changes + 1), "one change, made by the fold"
    assert ken.contact() is None


async def test_the_page_lists_them_masked(world: World, people: People) -> None:
    yui = people("Yui")
    await append(world, EVENTS.name, yui.id, POISON)
    await world.idle()
    async with aiohttp.ClientSession(world.up.ready["web"]) as browser:
        async with browser.get("/deadletters") as answer:
            page = await answer.text()
        async with browser.get("/api/v1/deadletters?stage=fold") as answer:
            found = await answer.json()
    assert [one["reason"] for one in found["letters"]] == ["unreadable"]
    assert found["letters"][0]["letter"] in page
    for secret in (yui.id, "0901234567"):
        assert secret not in page + str(found)
    await deadletters(world, "drop", "--all", "--yes")
