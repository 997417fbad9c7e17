"""An operator pauses the sink: on real Kafka, with a restart in between."""

from __future__ import annotations

from cli.sink_standing import SinkStanding, sink_standings
from registry.log import Registry
from runtime.clock import now_ms
from tests.integration.sinks.hubspot.world import World, friend_id, make_change, permit, until

MANY = 50


async def standing(world: World) -> SinkStanding:
    [found] = await sink_standings(world.settings, world.brokers, "hubspot")
    return found


async def until_taken_in(world: World, changes: int) -> None:
    async def taken_in() -> bool:
        now = await standing(world)
        return (now.waiting_for, now.in_flight) == ("paused_by_operator", changes)

    await until(taken_in)


async def test_a_paused_sink_calls_nobody_through_a_restart_and_loses_nothing(world: World) -> None:
    world.start_sink()
    await world.send(make_change(friend_id(0), may_create=permit()))
    await world.settled()
    registry = Registry(world.brokers)
    await registry.pause_sink("hubspot", True, now_ms())
    await until_taken_in(world, 0)
    calls = len(world.hubspot.log.entries)

    await world.send(*[make_change(friend_id(n), may_create=permit()) for n in range(1, MANY + 1)])
    await until_taken_in(world, MANY)
    await world.stop_sink()
    assert not (await standing(world)).ready
    world.start_sink()
    await until_taken_in(world, MANY)
    assert len(world.hubspot.log.entries) == calls, "not even the account is asked for"
    paused = await standing(world)
    assert (paused.ready, paused.paused, paused.lag) == (True, True, MANY)
    assert paused.paused_at is not None
    assert paused.since is not None
    assert "sink resume hubspot" in (paused.reason or "")

    await registry.pause_sink("hubspot", False, now_ms())
    outcomes = await world.settled()
    assert {one.friend for one in outcomes} == {friend_id(n) for n in range(MANY + 1)}
    assert {one.result for one in outcomes} == {"created"}
    after = await standing(world)
    assert (after.waiting_for, after.lag, after.answered["created"]) == (None, 0, MANY)
    assert all(place.committed == place.end for place in after.places)
