"""How many contact calls the work costs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer

from runtime.clock import monotonic
from schemas.outcomes import read_outcome
from schemas.topics import OUTCOMES
from tests.integration.sinks.hubspot.world import World, friend_id, make_change, permit, until


async def spread(world: World, friends: Iterable[str], seconds: float, steps: int = 50) -> None:
    """Send one change for each friend, evenly over some seconds."""
    every, began = list(friends), monotonic()
    size = -(-len(every) // steps)
    for step in range(steps):
        await world.send(*[make_change(one, may_create=permit()) for one in every[step * size : (step + 1) * size]])
        await asyncio.sleep(max(0.0, began + (step + 1) * seconds / steps - monotonic()))


async def test_a_thousand_new_friends_within_a_second(world: World) -> None:
    """They arrive in fifty small portions and cost little more than ten calls."""
    world.start_sink()
    await world.send(make_change(friend_id(5000), may_create=permit()))
    await world.settled()
    before = world.contact_calls()
    await spread(world, [friend_id(n) for n in range(1000)], 1.0)
    await world.settled()
    assert world.contact_calls() - before <= 11
    await world.stop_sink()


class Fold:
    """A fold in miniature: at most one change of a friend is open, and events meanwhile become the next one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contacts: dict[str, str] = {}
        self.events: dict[str, int] = {}
        self.sent: dict[str, int] = {}
        self.open: set[str] = set()
        self.revision = 0

    async def event(self, friends: list[str]) -> None:
        for friend in friends:
            self.events[friend] = self.events.get(friend, 0) + 1
        await self._settle([friend for friend in friends if friend not in self.open])

    async def listen(self) -> None:
        consumer = AIOKafkaConsumer(OUTCOMES.name, bootstrap_servers=self.world.brokers, fetch_max_wait_ms=50)
        await consumer.start()
        try:
            while True:
                runs = await consumer.getmany(timeout_ms=100)
                answered = [read_outcome(record.value) for run in runs.values() for record in run]
                for outcome in answered:
                    self.open.discard(outcome.friend)
                    self.contacts[outcome.friend] = outcome.contact or ""
                behind = {one.friend for one in answered if self.sent[one.friend] < self.events[one.friend]}
                await self._settle(sorted(behind))
        finally:
            await consumer.stop()

    async def _settle(self, friends: list[str]) -> None:
        self.open |= set(friends)
        changes = []
        for friend in friends:
            self.revision += 1
            self.sent[friend] = self.events[friend]
            text = {"line_user_id_1": friend, "line_last_response_1": str(self.events[friend])}
            known = self.contacts.get(friend)
            changes.append(
                make_change(friend, self.revision, properties=text, contact=known, may_create=permit(self.revision))
            )
        if changes:
            await self.world.send(*changes)

    async def idle(self) -> bool:
        return not self.open and self.sent == self.events


async def test_known_friends_with_five_events_each(world: World) -> None:
    """A thousand friends write five messages each within a second: each is written about twice, in full batches."""
    world.hubspot.faults.add_latency(fixed_ms=100)
    friends = [friend_id(n) for n in range(1000)]
    fold = Fold(world)
    listening = asyncio.create_task(fold.listen())
    world.start_sink()
    await asyncio.sleep(1)  # the listener reads from the end
    await fold.event(friends)
    await until(fold.idle, 60)
    before = world.contact_calls()
    began = monotonic()
    for step in range(50):
        portion = friends[step % 10 * 100 : step % 10 * 100 + 100]
        await fold.event(portion)
        await asyncio.sleep(max(0.0, began + (step + 1) / 50 - monotonic()))
    took = monotonic() - began
    await until(fold.idle, 60)
    calls = world.contact_calls() - before
    listening.cancel()
    print(f"{calls} calls, events took {took:.2f} s, done after {monotonic() - began:.2f} s")
    assert calls <= 24
    await world.stop_sink()
