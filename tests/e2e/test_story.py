"""The main job, through HTTP only: what people do in LINE, and what then stands in HubSpot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cli.demo_world.world import World
from devkit.hubspot.contacts import Contact
from devkit.hubspot.instants import parse

if TYPE_CHECKING:
    from tests.e2e.conftest import Friend

    People = Callable[[str], Friend]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_connecting_makes_the_seven_properties_and_sets_the_webhook(world: World) -> None:
    shown = [
        (p.name, p.label, p.type, p.field_type, p.group_name, tuple(o["value"] for o in p.options))
        for p in world.hubspot.portal.schema.custom()
    ]
    group = world.hubspot.portal.schema.group(shown[0][4])
    yes_no = ("true", "false")
    assert group.label == "LINE"
    assert sorted(shown) == sorted(
        [
            ("line_user_id_1", "LINE User ID _ 1", "string", "text", group.name, ()),
            ("line_user_name_1", "LINE User Name _ 1", "string", "text", group.name, ()),
            ("line_user_picture_1", "LINE User Picture _ 1", "string", "text", group.name, ()),
            ("line_follow_1", "LINE Follow _ 1", "enumeration", "booleancheckbox", group.name, yes_no),
            ("line_id_sync_date_1", "LINE ID Sync Date _ 1", "datetime", "date", group.name, ()),
            ("line_unanswered_1", "LINE Unanswered _ 1", "enumeration", "booleancheckbox", group.name, yes_no),
            ("line_last_response_1", "LINE Last Response _ 1", "string", "textarea", group.name, ()),
        ]
    )
    assert world.shop.endpoint == f"{world.up.ready['ingress']}/line/1"


async def test_a_second_connection_of_the_same_account_is_refused(world: World) -> None:
    secret = world.data_dir / "again"
    secret.write_text(world.shop.channel_secret)
    refused = await world.verb(
        "connections", "add", "--channel-id", world.shop.channel_id, "--secret-file", str(secret), accept=(4,)
    )
    assert "already" in refused.err


async def test_the_story_of_one_friend(world: World, people: People) -> None:
    """Every step of the demo's story, and the contact after each."""
    mari = people("Mari Sato")
    first = await follow(mari)
    message = await write_and_block(mari)
    world.hubspot.people.delete_contact(first.id)
    await stay_deleted(mari, message)
    await come_back(mari, first)


async def follow(mari: Friend) -> Contact:
    await mari.follows()
    await mari.world.idle()
    contact = mari.contact()
    assert contact is not None
    assert contact.properties["email"] == f"{mari.id}@line.me".lower()
    assert mari.values("follow", "unanswered", "last_response") == ("true", "false", None)
    assert mari.values("user_name", "user_picture") == ("Mari Sato", mari.person.picture_url)
    followed_at = mari.world.line.acknowledged(mari.world.shop)[-1]["timestamp"]
    assert parse(mari.values("id_sync_date")[0] or "") == followed_at
    return contact


async def write_and_block(mari: Friend) -> str:
    message = await mari.writes("Do you have it in blue? 🤨")
    await mari.world.idle()
    assert mari.values("unanswered", "last_response") == ("true", "Do you have it in blue? 🤨")
    await mari.blocks()
    await mari.world.idle()
    assert mari.values("follow", "user_name") == ("false", "Mari Sato")
    return message


async def stay_deleted(mari: Friend, message: str) -> None:
    await mari.blocks()
    await mari.world.idle()
    assert mari.contact() is None, "an unfollow brings nothing back"
    await mari.does("unsend", message_id=message)
    await mari.world.idle()
    await mari.does("postback", data="menu=1")
    await mari.blocks()
    await mari.world.idle()
    assert mari.contact() is None, "neither does an unsend or a postback"
    why = (await mari.world.verb("why", mari.id, "--json")).json["sentences"]
    assert why[-1]["decision"] == "not_permitted"
    assert "Not re-created" in why[-1]["text"]


async def come_back(mari: Friend, deleted: Contact) -> None:
    linked_at = deleted.properties[mari.world.property("id_sync_date")]
    await mari.writes("Hello again")
    await mari.world.idle()
    created = mari.contact()
    assert created is not None
    assert created.id != deleted.id
    assert mari.values("follow", "unanswered", "last_response") == ("false", "true", "Hello again")
    assert mari.values("id_sync_date", "user_name") == (linked_at, "Mari Sato"), "both outlive the deletion"
    await mari.blocks()
    await mari.follows()
    await mari.world.idle()
    assert mari.values("follow") == ("true",)
    assert mari.contact() is created


async def test_kinds_of_messages_read_as_words(world: World, people: People) -> None:
    """Last Response is text for every kind of message, and an unsent last message shows as such."""
    friends = [people(f"Writer {number}") for number in range(5)]
    sticker, image, place, file, taken_back = friends
    for friend in friends:
        await friend.follows()
    await sticker.does("sticker", keywords=["love", "hi"])
    await image.does("image")
    await place.does("location", title="Tokyo Station")
    await file.does("file")
    await taken_back.does("unsend", message_id=await taken_back.writes("my card number is ..."))
    await world.idle()
    assert [friend.values("last_response")[0] for friend in friends] == [
        "[sticker: love, hi]",
        "[image]",
        "[location: Tokyo Station]",
        "[file: order.pdf]",
        "[unsent]",
    ]
    assert taken_back.values("unanswered") == ("true",)


async def test_groups_make_no_contact(world: World, people: People) -> None:
    friend = people("Group member")
    await friend.does("group_message", group=world.line.add_group())
    await world.idle()
    assert friend.contact() is None


async def test_a_stranger_who_writes_becomes_a_contact(world: World, people: People) -> None:
    """A message does not prove friendship, but a person who writes counts as a friend until LINE says otherwise."""
    stranger = people("Stranger")
    await stranger.writes("hello")
    await world.idle()
    assert stranger.values("follow", "last_response", "user_name") == ("true", "hello", "Stranger")


async def test_what_a_salesperson_does_to_the_contact_is_respected(world: World, people: People) -> None:
    """An edited e-mail stays, and after a merge the survivor is written; nothing new is created."""
    edited, merged = people("Edited"), people("Merged")
    await edited.follows()
    await merged.follows()
    await world.idle()
    one, two = edited.contact(), merged.contact()
    assert one is not None
    assert two is not None
    other = world.hubspot.people.create_contact({"email": "merged@example.com"})
    world.hubspot.people.edit_contact(one.id, {"email": "real@example.com"})
    survivor = world.hubspot.people.merge_contacts(other.id, two.id)
    await edited.writes("my mail is real@example.com")
    await merged.writes("who am I?")
    await world.idle()
    assert edited.contact() is one
    assert one.properties["email"] == "real@example.com"
    assert edited.values("last_response") == ("my mail is real@example.com",)
    assert merged.contact() is survivor
    assert merged.values("last_response") == ("who am I?",)


async def test_hubspot_equals_the_fold_at_the_end(world: World) -> None:
    """`verify` finds every contact of this module equal."""
    counted = (await world.verb("verify", "--json")).json
    assert counted["equal"] > 0
    assert (counted["different"], counted["missing"], counted["extra"]) == (0, 0, 0)
