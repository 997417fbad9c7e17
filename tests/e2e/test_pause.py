"""An operator pauses the sinks: nothing is called, nothing is lost, a restart does not end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from cli.demo_world.failure import until
from cli.demo_world.world import World

if TYPE_CHECKING:
    from tests.e2e.conftest import Friend

    People = Callable[[str], Friend]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]


async def sink(world: World, *args: str) -> Any:
    return (await world.verb("sink", *args, "--json")).json


async def until_waiting(world: World, role: str) -> None:
    async def waits_for() -> str | None:
        status = (await world.verb("status", "--json", accept=None)).json
        found: str | None = status["roles"].get(role, {}).get("waiting_for")
        return found

    seen = [await waits_for()]
    while seen[-1] != "paused_by_operator":
        assert len(seen) < 30, seen
        seen.append(await waits_for())


async def test_a_paused_hubspot_sink_waits_through_a_kill_and_goes_on(world: World, people: People) -> None:
    mari = people("Mari")
    await mari.follows()
    await world.idle()
    assert (await sink(world, "pause"))["changed"]
    assert not (await sink(world, "pause", "hubspot"))["changed"]
    await until_waiting(world, "hubspot")
    calls = len(world.hubspot.log.entries)
    await mari.writes("while it was paused")
    pid = world.kill_role("hubspot")
    await world.until_back("hubspot", pid)
    await until_waiting(world, "hubspot")
    waiting = (await world.verb("status", "--wait", "idle", "--timeout", "2", "--json", accept=(6,))).json
    assert (waiting["idle"], waiting["outstanding"]) == (False, 1)
    [standing] = (await sink(world, "status", "hubspot"))["sinks"]
    assert (standing["paused"], standing["waiting_for"], standing["lag"]) == (True, "paused_by_operator", 1)
    assert mari.values("last_response") == (None,)
    assert len(world.hubspot.log.entries) == calls

    assert (await sink(world, "resume"))["changed"]
    await world.idle()
    assert mari.values("last_response") == ("while it was paused",)
    [standing] = (await sink(world, "status", "hubspot"))["sinks"]
    assert (standing["paused"], standing["waiting_for"], standing["lag"]) == (False, None, 0)
    assert all(place["committed"] == place["end"] for place in standing["places"])


async def test_a_paused_line_sink_asks_for_no_profile_until_it_goes_on(world: World, people: People) -> None:
    await sink(world, "pause", "line")
    await until_waiting(world, "line")
    ken = people("Ken")
    await ken.follows()
    await until(
        lambda: ken.contact() is not None, expected="a contact", seen=lambda: "none", where=world.up.log, timeout=30
    )
    assert ken.values("user_name", "follow") == (None, "true")
    shown = (await world.verb("sink", "status")).out
    assert "paused_by_operator" in shown
    await sink(world, "resume", "line")
    await world.idle()
    assert ken.values("user_name") == ("Ken",)
