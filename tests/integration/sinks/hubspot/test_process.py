"""The sink as a process: killed, stopped, joined by another, started in the wrong place."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from registry.log import Registry
from registry.portal import keep_portal
from runtime.refusal import MISCONFIGURED, Refusal
from schemas.topics import CHANGES, HUBSPOT_GROUP
from tests.integration.sinks.hubspot.world import TOKEN, World, friend_id, make_change, permit, until

PROGRAM = Path(__file__).with_name("process.py")
ROOT = Path(__file__).parents[4]
Start = Callable[[], "asyncio.Future[asyncio.subprocess.Process]"]


@pytest.fixture
async def start(world: World, environ_for: Callable[..., dict[str, str]]) -> AsyncIterator[Start]:
    environ = environ_for(hubspot_token=TOKEN, hubspot_api_url=world.hubspot.url, session_seconds=6)
    children: list[asyncio.subprocess.Process] = []

    async def begin() -> asyncio.subprocess.Process:
        path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        child = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), env={**os.environ, **environ, "PYTHONPATH": path}
        )
        children.append(child)
        return child

    yield lambda: asyncio.ensure_future(begin())
    for child in children:
        if child.returncode is None:
            child.kill()
            await child.wait()


def owners(world: World) -> dict[str, int]:
    """How many live contacts each friend has."""
    counts: dict[str, int] = {}
    for contact in world.hubspot.portal.contacts.after(0, archived=False):
        friend = contact.properties["line_user_id_1"]
        counts[friend] = counts.get(friend, 0) + 1
    return counts


async def test_killed_in_mid_flight_nothing_is_lost_or_doubled(world: World, start: Start) -> None:
    """kill -9 with calls in flight, three times: afterwards every friend has exactly one contact and an outcome."""
    friends = [friend_id(n) for n in range(1500)]
    world.hubspot.faults.add_latency(fixed_ms=150, random_ms=150)
    await world.send(*[make_change(friend, may_create=permit()) for friend in friends])
    for wanted in (1, 4, 8):
        child = await start()

        async def enough(least: int = wanted) -> bool:
            return world.hubspot.log.count("batch/create") >= least

        await until(enough, 60)
        child.kill()
        await child.wait()
    await start()
    outcomes = await world.settled(120)
    assert owners(world) == dict.fromkeys(friends, 1)
    assert {one.friend for one in outcomes} == set(friends)


async def test_a_deleted_contact_is_not_made_again_by_a_repetition(world: World) -> None:
    """Its outcome was published, its offset not committed, and a person deleted it: the repetition creates nothing."""
    await world.send(make_change(friend_id(1), may_create=permit()))
    world.start_sink()
    (first,) = await world.settled()
    await world.stop_sink()
    assert first.contact is not None
    world.hubspot.people.delete_contact(first.contact)
    await rewind(world, 0)
    world.start_sink()
    outcomes = await world.settled()
    assert [one.result for one in outcomes] == ["created", "gone"]
    assert outcomes[1].asked == first.contact
    assert owners(world) == {}
    await world.stop_sink()


async def test_sigterm_ends_cleanly_and_commits(world: World, start: Start) -> None:
    """What HubSpot has answered is published and committed before the process ends with 0."""
    world.hubspot.faults.add_latency(fixed_ms=200)
    await world.send(*[make_change(friend_id(n), may_create=permit()) for n in range(1000)])
    child = await start()

    async def writing() -> bool:
        return world.hubspot.log.count("batch/create") >= 2

    await until(writing, 60)
    child.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(child.wait(), 15) == 0
    assert {one.friend for one in await world.outcomes()} == set(owners(world))
    await start()
    outcomes = await world.settled(60)
    assert owners(world) == dict.fromkeys([friend_id(n) for n in range(1000)], 1)
    assert {one.result for one in outcomes} == {"created"}


async def test_a_second_sink_takes_its_share(world: World, start: Start) -> None:
    """Two sinks under load, one joining and leaving: one contact per friend, generations grow, nothing is stuck."""
    friends = [friend_id(n) for n in range(2000)]
    world.hubspot.faults.add_latency(fixed_ms=100)
    await start()
    await world.send(*[make_change(friend, may_create=permit()) for friend in friends[:1000]])

    async def begun() -> bool:
        return world.hubspot.log.count("batch/create") >= 2

    await until(begun, 60)
    second = await start()
    await until(lambda: has_members(world, 2), 60)
    await world.send(*[make_change(friend, may_create=permit()) for friend in friends[1000:]])
    await world.settled(120)
    second.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(second.wait(), 20) == 0
    await world.send(*[make_change(friend, revision=2, may_create=permit()) for friend in friends[:100]])
    outcomes = await world.settled(120)
    assert owners(world) == dict.fromkeys(friends, 1)
    assert len({one.generation for one in outcomes}) >= 2


async def test_a_frozen_owner_writes_nothing_late(world: World, start: Start) -> None:
    """SIGSTOP past the session: the other sink takes over, the frozen one wakes up, rejoins and doubles nothing."""
    friends = [friend_id(n) for n in range(1500)]
    world.hubspot.faults.add_latency(fixed_ms=150)
    frozen, _other = await start(), await start()
    await until(lambda: has_members(world, 2), 60)
    await world.send(*[make_change(friend, may_create=permit()) for friend in friends[:1000]])

    async def begun() -> bool:
        return world.hubspot.log.count("batch/create") >= 2

    await until(begun, 60)
    frozen.send_signal(signal.SIGSTOP)
    await until(lambda: has_members(world, 1), 60)
    await world.send(*[make_change(friend, may_create=permit()) for friend in friends[1000:]])
    frozen.send_signal(signal.SIGCONT)
    outcomes = await world.settled(120)
    assert owners(world) == dict.fromkeys(friends, 1)
    assert {one.result for one in outcomes} <= {"created", "adopted", "updated"}
    assert {one.friend for one in outcomes} == set(friends)


async def test_a_vanished_offset_stops_with_one_sentence(world: World) -> None:
    """Records without offsets of the group: exit 78, and nothing was written."""
    await world.send(make_change(friend_id(1), may_create=permit()))
    await rewind(world, 10_000)
    with pytest.raises(Refusal) as refused:
        await world.start_sink()
    assert (refused.value.exit_code, refused.value.code) == (MISCONFIGURED, "offset_gone")
    assert world.contact_calls() == 0


async def test_a_token_of_another_portal_stops_the_sink(world: World) -> None:
    """The registry knows portal 1: exit 78 before any contact is touched."""
    await keep_portal(Registry(world.brokers), 1)
    await world.send(make_change(friend_id(1), may_create=permit()))
    with pytest.raises(Refusal) as refused:
        await world.start_sink()
    assert (refused.value.exit_code, refused.value.code) == (MISCONFIGURED, "other_portal")
    assert world.contact_calls() == 0


async def has_members(world: World, count: int) -> bool:
    admin = AdminClient({"bootstrap.servers": world.brokers})
    described = await asyncio.to_thread(admin.describe_consumer_groups([HUBSPOT_GROUP])[HUBSPOT_GROUP].result)
    return len(described.members) == count and described.state == ConsumerGroupState.STABLE


async def rewind(world: World, offset: int) -> None:
    """Commit the same offset for every partition of the group, as if it had gone no further."""
    member = AIOKafkaConsumer(bootstrap_servers=world.brokers, group_id=HUBSPOT_GROUP, enable_auto_commit=False)
    await member.start()
    where = [TopicPartition(CHANGES.name, partition) for partition in range(world.settings.partitions)]
    member.assign(where)
    await member.commit(dict.fromkeys(where, offset))
    await member.stop()
