"""What people do in HubSpot, found by an operator's order and by the sweep, through the whole program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.demo_world.failure import until
from cli.demo_world.world import World

if TYPE_CHECKING:
    from devkit.hubspot.contacts import Contact
    from tests.e2e.conftest import NewWorld

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

NEVER = 604_800


async def followers(world: World, *names: str) -> list[tuple[str, Contact]]:
    """These people follow: their LINE user ids and contacts."""
    people = [world.line.add_user(name) for name in names]
    for person in people:
        await world.line.follow(world.shop, person)
    await world.idle()
    ids = [world.line.user_id(world.shop, person) for person in people]
    found = [(friend, world.contact(friend)) for friend in ids]
    return [(friend, contact) for friend, contact in found if contact is not None]


async def status_of(world: World, friend: str) -> str:
    shown = (await world.verb("friends", "show", friend, "--json")).json
    return str(shown["contact"]["status"])


async def test_resync_and_sweep(new_world: NewWorld) -> None:
    """Both put right what was typed over and leave the deleted deleted; the sweep also sees what nobody told it."""
    world = await new_world(sweep_seconds=NEVER)
    await world.start()
    await world.connect()
    world.hubspot.options.burst_limit = 20_000  # the sweep's twentieth of it is quick
    (mei, edited), (ken, deleted) = await followers(world, "Mei", "Ken")
    await resync(world, edited, deleted)
    assert await status_of(world, ken) == "gone"
    await world.up.stop()
    world.change_settings(sweep_seconds=1)
    await world.start()
    await sweep(world, mei, edited, deleted)
    verified = (await world.verb("verify", "--json")).json
    assert (verified["equal"], verified["different"], verified["missing"], verified["extra"]) == (2, 0, 0, 0)


async def resync(world: World, edited: Contact, deleted: Contact) -> None:
    type_over(world, edited)
    world.hubspot.people.delete_contact(deleted.id)
    await world.verb("friends", "resync", "--all")
    await world.idle()
    assert edited.properties[world.property("user_name")] == "Mei"
    assert edited.properties["firstname"] == "Mei-chan"
    assert world.hubspot.people.contacts() == [edited], "the deleted contact stays deleted"


async def sweep(world: World, mei: str, edited: Contact, deleted: Contact) -> None:
    type_over(world, edited)
    world.hubspot.people.restore_contact(deleted.id)
    del deleted.properties[world.property("user_name")]
    named = [(edited, "Mei"), (deleted, "Ken")]
    await until(
        lambda: all(contact.properties.get(world.property("user_name")) == name for contact, name in named),
        expected="both contacts written whole",
        seen=lambda: str([contact.properties for contact, _name in named]),
        where=world.up.log,
        timeout=60,
    )
    await world.idle()
    why = (await world.verb("why", mei, "--json")).json["sentences"]
    assert any(f"The sweep saw that contact {edited.id} was edited" in one["text"] for one in why)


def type_over(world: World, contact: Contact) -> None:
    world.hubspot.people.edit_contact(contact.id, {world.property("user_name"): "typed over", "firstname": "Mei-chan"})
