"""Captured webhooks again, through the real ingress: after a deletion and after an erasure they change nothing.

The volume is tests/unit/processors/test_replays.py: ten thousand, through the same reading and the same fold.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cli.demo_world.world import World
from devkit.line import Json
from runtime.log_reader import read_log
from schemas.friends import read_friend_state
from schemas.topics import CHANGES, FRIENDS
from tests.e2e.conftest import Friend

if TYPE_CHECKING:
    from collections.abc import Callable

    People = Callable[[str], Friend]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

ROUNDS, AT_ONCE = 40, 8


async def rows(world: World) -> dict[str, bytes]:
    return {
        record.key.decode(): record.value async for record in read_log(world.up.ready["kafka"], FRIENDS.name)
    }  # fmt: skip


async def count(world: World, topic: str) -> int:
    return len([record async for record in read_log(world.up.ready["kafka"], topic)])


async def live(friends: list[Friend]) -> None:
    for friend in friends:
        await friend.follows()
        message = await friend.writes("my card number is 1234")
        await friend.does("postback", data="menu=1")
        await friend.does("unsend", message_id=message)
        await friend.writes("never mind")
    await friends[0].world.idle()


async def replay(world: World, events: list[Json]) -> int:
    """Every event many times, in bodies of other sizes than it came in; how many were acknowledged."""
    taken = 0
    for round_ in range(ROUNDS):
        size = 1 + round_ % 7
        bodies = [events[start : start + size] for start in range(0, len(events), size)]
        for start in range(0, len(bodies), AT_ONCE):
            sent = await asyncio.gather(
                *[world.line.post(world.shop, body) for body in bodies[start : start + AT_ONCE]]
            )
            taken += sum(delivery.acknowledged for deliveries in sent for delivery in deliveries)
    return taken


async def test_replays_through_the_ingress_change_nothing(world: World, people: People) -> None:
    deleted = [people(f"Deleted {number}") for number in range(3)]
    erased = [people(f"Erased {number}") for number in range(3)]
    await live([*deleted, *erased])
    captured = world.line.acknowledged(world.shop)
    for friend in deleted:
        contact = friend.contact()
        assert contact is not None
        world.hubspot.people.delete_contact(contact.id)
        await friend.blocks()  # the next write finds that it is gone
    for friend in erased:
        await world.verb("friends", "erase", friend.id, "--hubspot", "--yes")
    await world.idle()
    before, changes, created = (
        await rows(world),
        await count(world, CHANGES.name),
        world.hubspot.log.count("batch/create"),
    )

    assert await replay(world, captured) == ROUNDS * len(captured)
    await world.idle(120)
    assert await rows(world) == before
    assert await count(world, CHANGES.name) == changes
    assert world.hubspot.log.count("batch/create") == created
    assert world.hubspot.people.contacts() == []
    states = {friend: read_friend_state(row) for friend, row in before.items()}
    for friend in deleted:
        contact_state = states[friend.id].contact
        assert contact_state is not None
        assert contact_state.status == "gone"
    for friend in erased:
        assert states[friend.id].erased_at is not None
        assert not states[friend.id].connections
