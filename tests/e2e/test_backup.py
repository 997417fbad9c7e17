"""A backup is a copy of DATA_DIR while nothing runs; put back, it wakes nobody and doubles nobody."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.ports import free_port

if TYPE_CHECKING:
    from tests.e2e.conftest import NewWorld

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]


async def test_a_restored_backup_wakes_and_doubles_nobody(new_world: NewWorld, tmp_path: Path) -> None:
    """After the copy one was deleted, one came, one wrote; LINE sends none of it again."""
    world = await new_world(ingress_bind=f"127.0.0.1:{free_port('127.0.0.1')}")
    await world.start()
    await world.connect()
    line, shop = world.line, world.shop
    people = {name: line.add_user(name) for name in ("Stays", "Deleted", "Writes", "Newcomer")}
    ids = {name: line.user_id(shop, person) for name, person in people.items()}
    for name in ("Stays", "Deleted", "Writes"):
        await line.follow(shop, people[name])
    await world.idle()
    assert await world.up.stop() == 0
    shutil.copytree(world.data_dir, tmp_path / "backup")

    await world.start()
    await line.follow(shop, people["Newcomer"])
    await line.message(shop, people["Writes"], "after the copy")
    await world.idle()
    gone, newcomer = world.contact(ids["Deleted"]), world.contact(ids["Newcomer"])
    assert gone is not None
    assert newcomer is not None
    world.hubspot.people.delete_contact(gone.id)
    assert await world.up.stop() == 0

    shutil.rmtree(world.data_dir)
    shutil.copytree(tmp_path / "backup", world.data_dir)
    await world.start()
    await line.act("postback", shop, people["Deleted"], data="menu")
    await line.message(shop, people["Newcomer"], "hello again")
    await world.verb("friends", "resync", "--all", "--json")
    await world.idle()

    assert world.contact(ids["Deleted"]) is None
    adopted = await world.until_contact(ids["Newcomer"], last_response="hello again")
    assert adopted.id == newcomer.id
    counted = (await world.verb("verify", "--json")).json
    assert (counted["equal"], counted["different"], counted["missing"], counted["extra"]) == (3, 0, 0, 0)
