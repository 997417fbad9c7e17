"""Kill -9 in mid-flight: whatever was acknowledged is in HubSpot afterwards, once, as LINE's events say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from cli.demo_world.failure import until
from cli.demo_world.kafka import folded_causes
from cli.demo_world.storm import disorder, lives
from cli.demo_world.world import World
from devkit.line import Json, Person
from devkit.traffic import Receiver, Report, WebhookSender

pytestmark = pytest.mark.asyncio(loop_scope="module")

FRIENDS = 60
RATE = 100.0


async def storm_with_a_kill(world: World, role: str, *, seed: int, when: str = "") -> Report:
    """Many acts of everybody, and kill -9 of a role half way, or as soon as the call `when` is made to HubSpot."""
    everybody: Sequence[Person] = list(world.line.platform.world.people.values())
    posts = disorder(lives(world.line, world.shop, everybody, each=5, seed=seed), seed=seed)
    before = world.hubspot.log.count(when)
    async with WebhookSender(Receiver.of(world.shop), redeliveries=8) as sender:
        first = await sender.send(posts[: len(posts) // 2], rate=RATE)
        rest = asyncio.create_task(sender.send(posts[len(posts) // 2 :], rate=RATE))
        if when:
            await until(
                lambda: world.hubspot.log.count(when) > before, expected=f"a {when}", seen=lambda: "none", timeout=20
            )
        pid = world.kill_role(role)
        report = first.joined(await rest)
    await world.until_back(role, pid)
    assert not report.unacknowledged
    return report


async def assert_nothing_was_lost(world: World, storms: Sequence[Report]) -> None:
    await world.idle(90)
    acknowledged: list[Json] = [*world.line.acknowledged(), *(e for report in storms for e in report.acknowledged)]
    lost = {event["webhookEventId"] for event in acknowledged} - await folded_causes(world.up.ready["kafka"])
    assert not lost
    assert world.differences(acknowledged) == {}
    counted = (await world.verb("verify", "--json")).json
    assert (counted["equal"], counted["different"], counted["missing"], counted["extra"]) == (FRIENDS, 0, 0, 0)
    status = (await world.verb("status", "--json")).json
    assert status["dead_letters"] == 0
    assert status["blocked"] == 0


async def test_killed_roles_lose_nothing_and_double_nothing(world: World) -> None:
    """The worker, the HubSpot sink between write and outcome, and the ingress, each killed in a storm of its own."""
    await world.line.crowd(world.shop, FRIENDS)
    await world.line.drain()
    await world.idle()
    storms = [await storm_with_a_kill(world, "fold", seed=11)]
    await assert_nothing_was_lost(world, storms)
    world.hubspot.faults.add_latency(300, 0, "batch/*")  # so that the kill meets a call that is carried out, unanswered
    storms.append(await storm_with_a_kill(world, "hubspot", seed=12, when="batch/update"))
    world.hubspot.faults.clear()
    await assert_nothing_was_lost(world, storms)
    storms.append(await storm_with_a_kill(world, "ingress", seed=13))
    await assert_nothing_was_lost(world, storms)


async def test_a_sink_killed_while_it_creates_makes_no_contact_twice(world: World) -> None:
    """New friends whose creations are carried out, but never answered before kill -9, have one contact each."""
    world.hubspot.faults.add_latency(500, 0, "batch/create")
    before, creations = len(world.hubspot.people.contacts()), world.hubspot.log.count("batch/create")
    newcomers = asyncio.create_task(world.line.crowd(world.shop, 20))
    await until(
        lambda: len(world.hubspot.people.contacts()) > before, expected="a contact", seen=lambda: "none", timeout=20
    )
    assert world.hubspot.log.count("batch/create") >= creations
    pid = world.kill_role("hubspot")
    await newcomers
    await world.until_back("hubspot", pid)
    world.hubspot.faults.clear()
    await world.idle(90)
    ids = [contact.properties[world.property("user_id")] for contact in world.hubspot.people.contacts()]
    assert len(ids) == len(set(ids)) == before + 20
    counted = (await world.verb("verify", "--json")).json
    assert (counted["different"], counted["missing"], counted["extra"]) == (0, 0, 0)
