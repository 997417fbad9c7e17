"""`friends erase --hubspot`: gone here and there, and nothing of before brings anything back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from cli.demo_world.world import World
from devkit.line import Json
from runtime.appender import Appender, partition_of
from runtime.clock import now_ms
from runtime.log_reader import read_log
from schemas.codec import encode
from schemas.friends import FriendState, read_friend_state
from schemas.results import ProfileResult, Result
from schemas.topics import FRIENDS, RESULTS

if TYPE_CHECKING:
    from tests.e2e.conftest import Friend, NewWorld

    People = Callable[[str], Friend]

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTITIONS = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(new_world: NewWorld) -> World:
    """A world whose operator wants newer messages of erased people to count."""
    made = await new_world(recreate_after_erasure=1)
    await made.start()
    await made.connect()
    return made


async def row(world: World, friend: str) -> FriendState:
    rows = [r.value async for r in read_log(world.up.ready["kafka"], FRIENDS.name) if r.key == friend.encode()]
    return read_friend_state(rows[-1])


async def tell_a_late_profile(world: World, friend: str, requested_at: int) -> None:
    result = Result(
        request="late",
        kind="profile",
        friend=friend,
        connection=world.number,
        requested_at=requested_at,
        at=now_ms(),
        profile=ProfileResult(found=True, name="Late Name"),
    )
    appender = Appender(world.up.ready["kafka"], client_id="test")
    try:
        key = friend.encode()
        await appender.append(RESULTS.name, partition_of(key, PARTITIONS), [(key, encode(result), [])])
    finally:
        await appender.stop()


def captured(world: World, friend: str) -> list[Json]:
    return [event for event in world.line.acknowledged(world.shop) if event["source"].get("userId") == friend]


async def test_gone_in_both_places_and_nothing_of_before_brings_it_back(world: World, people: People) -> None:
    mari = people("Mari Sato")
    await mari.follows()
    await mari.writes("my card number is 1234")
    await world.idle()
    contact = mari.contact()
    assert contact is not None
    before = captured(world, mari.id)

    said = (await world.verb("friends", "erase", mari.id, "--hubspot", "--yes", "--json")).json
    assert (said["deleted"], said["shared"]) == ([contact.id], [])
    assert contact.id not in world.hubspot.portal.contacts.records, "neither alive nor in the bin"
    erased = await row(world, mari.id)
    assert erased == FriendState(friend=mari.id, revision=erased.revision, erased_at=erased.erased_at)

    for _ in range(20):
        await world.line.post(world.shop, before)
    await tell_a_late_profile(world, mari.id, requested_at=(erased.erased_at or 0) - 1)
    await mari.does("postback", data="menu=1")
    await world.idle()
    assert mari.contact() is None
    assert await row(world, mari.id) == erased, "not even the row was written again"
    assert (await world.verb("verify", "--json")).json["extra"] == 0

    again = (await world.verb("friends", "erase", mari.id, "--hubspot", "--yes", "--json")).json
    assert (again["deleted"], again["shared"]) == ([], []), "to repeat it is harmless"

    await mari.writes("hello again")
    await world.idle()
    assert mari.values("last_response", "follow") == ("hello again", "true"), "a newer message starts afresh"
    assert mari.contact() is not contact


async def test_every_contact_that_carries_the_id_goes_and_one_shared_with_another_stays(
    world: World, people: People
) -> None:
    """A twin made by hand goes, one in the bin goes; one merged with another LINE user is for a person to decide."""
    twice, shared, other = people("Twice"), people("Shared"), people("Other")
    for friend in (twice, shared, other):
        await friend.follows()
    await world.idle()
    first, mine, others = twice.contact(), shared.contact(), other.contact()
    assert first is not None
    assert mine is not None
    assert others is not None
    world.hubspot.people.delete_contact(first.id)
    twin = world.hubspot.people.create_contact({"email": "x@example.com", world.property("user_id"): twice.id})
    survivor = world.hubspot.people.merge_contacts(others.id, mine.id)
    await asyncio.sleep(world.hubspot.options.search_lag / 1000)

    said = (await world.verb("friends", "erase", twice.id, "--hubspot", "--yes", "--json")).json
    assert sorted(said["deleted"]) == sorted([first.id, twin.id])
    left = await world.verb("friends", "erase", shared.id, "--hubspot", "--yes", "--json", accept=(4,))
    assert left.json["shared"] == [survivor.id]
    assert "another LINE user" in left.err
    assert world.hubspot.portal.resolve(survivor.id) is not None


async def test_a_token_that_may_not_is_told_what_it_needs_and_nothing_is_half_done(
    world: World, people: People
) -> None:
    """The row is erased first; the contact goes when the command is repeated with a better token."""
    mari = people("Mari")
    await mari.follows()
    await world.idle()
    contact = mari.contact()
    world.hubspot.access.withdraw_scope("crm.objects.contacts.write")
    try:
        refused = await world.verb("friends", "erase", mari.id, "--hubspot", "--yes", accept=(5,))
    finally:
        world.hubspot.access.grant_scope("crm.objects.contacts.write")
    assert "crm.objects.contacts.write" in refused.err
    assert (await row(world, mari.id)).erased_at is not None
    assert contact is not None
    said = (await world.verb("friends", "erase", mari.id, "--hubspot", "--yes", "--json")).json
    assert said["deleted"] == [contact.id]
