"""HubSpot is away for long while people go on; nothing is lost, and all arrives afterwards, once."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from cli.demo_world.failure import until
from tests.chaos.conftest import MakeWorld, Tell
from tests.chaos.crowd import Crowd
from tests.chaos.verdict import assert_counters_agree, at_rest, judge
from tests.chaos.weather import out_of_order

FRIENDS, FORMER = 80, 10
EVENTS_PER_SECOND = 30.0
AWAY_SECONDS, AWAY_LONG_SECONDS = 35.0, 600.0
SWEEP_SECONDS = 10  # several rounds of the sweep fall into the time that HubSpot is away


@pytest.mark.chaos
async def test_hubspot_away(make_world: MakeWorld, chance: Random, tell: Tell) -> None:
    """Away for several rounds of the sweep, with deletions while it is away."""
    await _away(make_world, chance, tell, AWAY_SECONDS)


@pytest.mark.soak
async def test_hubspot_long_away(make_world: MakeWorld, chance: Random, tell: Tell) -> None:
    """Away for ten minutes."""
    await _away(make_world, chance, tell, AWAY_LONG_SECONDS)


async def _away(make_world: MakeWorld, chance: Random, tell: Tell, seconds: float) -> None:
    async with make_world(sweep_seconds=SWEEP_SECONDS) as world:
        await world.start()
        await world.connect()
        done = asyncio.Event()
        async with Crowd(world, Random(chance.random())) as crowd:
            await crowd.arrive(FRIENDS, FORMER)
            around = [
                asyncio.create_task(crowd.live(done, rate=EVENTS_PER_SECOND, newcomers=0.05)),
                asyncio.create_task(crowd.meddle(done, mean_pause=2.0)),
                asyncio.create_task(crowd.send_away(done, over_seconds=seconds)),
            ]
            try:
                away = asyncio.create_task(out_of_order(world.hubspot, seconds))
                await asyncio.sleep(seconds / 2)
                standing = (await world.verb("status", "--json", accept=(0, 1))).json
                await away
            finally:
                done.set()
                await asyncio.gather(*around)
            assert standing["ready"], "trouble of HubSpot made a role unready"
            assert standing["roles"]["hubspot"]["waiting_for"], "nobody is told that HubSpot is away"
            await until(
                lambda: world.hubspot.log.count("batch/update", 200) > 0,
                expected="HubSpot to be written to again", seen=lambda: str(world.hubspot.log.by_name()), timeout=120,
            )  # fmt: skip
            assert crowd.answers.keys() <= {"200"}, crowd.answers
            await crowd.come_back()
            await at_rest(world)
            tell("figures", await judge(world, crowd))
            tell("counters", await assert_counters_agree(world))
            tell("HubSpot", {name: dict(times) for name, times in world.hubspot.log.by_name().items()})
        assert await world.up.stop() == 0
