"""Every process is killed, stopped and frozen again and again while people write, delete and edit.

Afterwards HubSpot is what the log says, and the log holds all that was acknowledged.
"""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from cli.demo_world.world import SESSION_SECONDS, World
from tests.chaos.blows import Storm, schedule
from tests.chaos.conftest import MakeWorld, Tell
from tests.chaos.crowd import Crowd
from tests.chaos.processes import living
from tests.chaos.verdict import assert_counters_agree, at_rest, judge
from tests.chaos.weather import answers, bad_weather, writes

FRIENDS, FORMER = 150, 25
EVENTS_PER_SECOND = 25.0
NEWCOMERS = 0.02
MEAN_PAUSE = 2.5
SWEEP_SECONDS = 15
SPARED = 4  # a blow may find its victim ended by the one before


async def _storm(world: World, chance: Random, tell: Tell, blows: int) -> None:
    plan = schedule(chance, blows, mean_pause=MEAN_PAUSE, session_seconds=SESSION_SECONDS)
    storm = Storm(lambda: living(world.up.process.pid), work=lambda: writes(world.hubspot))
    done = asyncio.Event()
    async with Crowd(world, Random(chance.random())) as crowd:
        await crowd.arrive(FRIENDS, FORMER)
        around = [
            asyncio.create_task(crowd.live(done, rate=EVENTS_PER_SECOND, newcomers=NEWCOMERS)),
            asyncio.create_task(crowd.meddle(done, mean_pause=3.0)),
            asyncio.create_task(crowd.send_away(done, over_seconds=blows * MEAN_PAUSE)),
        ]
        weather = asyncio.create_task(bad_weather(world.hubspot, Random(chance.random()), done, mean_pause=0.5))
        try:
            await storm.rage(plan)
        finally:
            done.set()
            await asyncio.gather(*around)
            troubles = await weather
        tell("struck", {"in all": len(storm.struck), **dict(sorted(storm.counts().items()))})
        tell("HubSpot's troubles", dict(sorted(troubles.items())))
        tell("HubSpot's answers", answers(world.hubspot))
        await crowd.come_back()
        await at_rest(world)
        for one in storm.struck:
            assert one.blow.kind == "freeze" or not one.process.alive, f"{one} is still there"
        tell("figures", await judge(world, crowd))
        tell("counters", await assert_counters_agree(world))
        assert len(storm.struck) >= blows - SPARED


async def _world_in_a_storm(make_world: MakeWorld, chance: Random, tell: Tell, blows: int, **settings: object) -> None:
    async with make_world(sweep_seconds=SWEEP_SECONDS, **settings) as world:
        await world.start()
        await world.connect()
        await _storm(world, chance, tell, blows)
        assert await world.up.stop() == 0


@pytest.mark.chaos
async def test_kills(make_world: MakeWorld, chance: Random, tell: Tell, request: pytest.FixtureRequest) -> None:
    """At least 60 blows: nothing acknowledged is lost, nothing is wrong or doubled, nobody comes back uncalled."""
    await _world_in_a_storm(make_world, chance, tell, request.config.getoption("--blows") or 64)


@pytest.mark.soak
async def test_many_kills(make_world: MakeWorld, chance: Random, tell: Tell, request: pytest.FixtureRequest) -> None:
    """The same with at least 200, and the fold's table on disk."""
    blows = request.config.getoption("--blows") or 220
    await _world_in_a_storm(make_world, chance, tell, blows, store="rocksdb")
