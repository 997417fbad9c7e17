"""The whole program as its users meet it: `up` as a child, simulated LINE and HubSpot, verbs as processes.

Which fixture to ask for; tests of a module that uses them need `pytestmark = pytest.mark.asyncio(loop_scope="module")`:

* `world` (module): a World (cli.demo_world.world) with `up` ready and one connection made by `connections add`.
* `new_world(**settings)` (module): makes Worlds whose `up` has not been started; all end with the module.
* `people`: `people("Mari")` adds a LINE user to `world` and returns a Friend that can follow, write, block.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from cli.demo_world.world import World
from devkit.hubspot.contacts import Contact
from devkit.line import Delivery, Person

PARTITIONS = 4

NewWorld = Callable[..., Awaitable[World]]


@dataclass(frozen=True)
class Friend:
    """One LINE user and the account."""

    world: World
    person: Person
    id: str

    async def follows(self) -> None:
        await self.world.line.follow(self.world.shop, self.person)

    async def blocks(self) -> Delivery | None:
        return await self.world.line.block(self.world.shop, self.person)

    async def does(self, act: str, **fields: object) -> Delivery:
        delivery = await self.world.line.act(act, self.world.shop, self.person, **fields)
        assert delivery is not None
        assert delivery.acknowledged
        return delivery

    async def writes(self, text: str) -> str:
        """Returns the message's id."""
        return str((await self.does("text", text=text)).event["message"]["id"])

    def contact(self) -> Contact | None:
        return self.world.contact(self.id)

    def values(self, *names: str) -> tuple[str | None, ...]:
        """Values of the contact's properties, by short name; None where it has none."""
        contact = self.contact()
        assert contact is not None, "no contact"
        return tuple(contact.properties.get(self.world.property(name)) for name in names)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def new_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NewWorld]:
    seeds = itertools.count(1)
    async with contextlib.AsyncExitStack() as worlds:

        async def make(**settings: object) -> World:
            home = tmp_path_factory.mktemp("world")
            return await worlds.enter_async_context(
                World(home, seed=next(seeds), settings={"partitions": PARTITIONS, **settings})
            )

        yield make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(new_world: NewWorld) -> World:
    made = await new_world()
    await made.start()
    connected = await made.connect()
    assert connected["status"] == "connected", connected
    return made


@pytest.fixture
def people(world: World) -> Callable[[str], Friend]:
    def add(name: str) -> Friend:
        picture = f"https://profile.line-scdn.net/0h{len(world.line.platform.world.people)}"
        person = world.line.add_user(name, picture_url=picture)
        return Friend(world, person, world.line.user_id(world.shop, person))

    return add
