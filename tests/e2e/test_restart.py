"""A HubSpot that refuses the token, then kill -9 of everything: nothing is lost, and it goes on by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.demo_world.failure import until
from cli.demo_world.world import World
from runtime.ports import free_port

if TYPE_CHECKING:
    from tests.e2e.conftest import NewWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def waiting_for(world: World) -> str | None:
    """What the HubSpot sink waits for."""
    found: str | None = (await world.verb("status", "--json", accept=(0, 1))).json["roles"]["hubspot"]["waiting_for"]
    return found


async def world_with_a_wrong_token(new_world: NewWorld, tmp_path: Path) -> World:
    """`up` on a fixed address with one connection of CONNECTIONS_FILE; LINE knows the webhook."""
    bind = f"127.0.0.1:{free_port('127.0.0.1')}"
    file = tmp_path / "connections.json"
    world = await new_world(hubspot_token="pat-wrong", connections_file=file, ingress_bind=bind)
    shop = world.shop
    file.write_text(json.dumps([{"channel_id": shop.channel_id, "channel_secret": shop.channel_secret}]))
    shop.endpoint, world.number = f"http://{bind}/line/1", 1
    await world.start()
    return world


async def status_of_the_connection(world: World) -> str:
    return str((await world.verb("connections", "list", "--json")).json[0]["status"])


async def test_nothing_is_lost_by_a_wrong_token_or_a_crash_of_everything(new_world: NewWorld, tmp_path: Path) -> None:
    """A connection of CONNECTIONS_FILE takes events at once; they reach HubSpot as soon as it takes the token."""
    world = await world_with_a_wrong_token(new_world, tmp_path)
    shop, mari = world.shop, world.line.add_user("Mari")
    friend = world.line.user_id(shop, mari)

    followed = await world.line.follow(shop, mari)
    written = await world.line.message(shop, mari, "is anybody there?")
    assert followed is not None
    assert written is not None
    assert followed.acknowledged
    assert written.acknowledged
    await until(lambda: world.hubspot.log.count("account-info/details", 401) > 0, expected="a 401", seen=lambda: "none")
    code = await waiting_for(world)
    assert code is not None
    assert "unauthorized" in code or "token" in code
    unreached = await world.verb("status", "--wait", "idle", "--timeout", "3", "--json", accept=(6,))
    assert unreached.json["dead_letters"] == 0
    assert await status_of_the_connection(world) == "properties_pending"
    assert world.contact(friend) is None

    world.hubspot.access.issue("pat-wrong")  # a person repairs the app in HubSpot, and touches nothing here
    await world.idle(90)
    assert await waiting_for(world) is None
    contact = await world.until_contact(
        friend, follow="true", unanswered="true", last_response="is anybody there?", user_name="Mari"
    )

    await world.up.kill()
    await world.start()
    await world.line.message(shop, mari, "after the crash")
    await world.idle()
    assert await world.until_contact(friend, last_response="after the crash") is contact
    assert await status_of_the_connection(world) == "connected"
    counted = (await world.verb("verify", "--json")).json
    assert (counted["equal"], counted["different"], counted["missing"], counted["extra"]) == (1, 0, 0, 0)
    assert await world.up.stop() == 0
