"""A disk that is full, and one that cannot be written: said clearly, nothing lost, and it goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from cli.demo_world.failure import tail, until
from cli.demo_world.program import run_verb
from cli.demo_world.world import World
from tests.chaos.conftest import MakeWorld, Tell
from tests.chaos.crowd import Crowd
from tests.chaos.disks import Ballast, close_disk, small_disk
from tests.chaos.processes import ROLES, living
from tests.chaos.verdict import at_rest, judge

pytestmark = pytest.mark.chaos

FRIENDS, FORMER = 40, 5
EVENTS_PER_SECOND = 20.0
KAFKA_DISK_MB = 1200  # Kafka does not start with less than 512 MiB left
STORE_DISK_MB = 64
FULL_SECONDS = 15.0


async def test_the_disk_of_everything_is_full(
    make_world: MakeWorld, tmp_path: Path, chance: Random, tell: Tell
) -> None:
    """Kafka, the local store and all else on one full disk: webhooks are refused, not lost, until there is room."""
    with small_disk(tmp_path / "disk", KAFKA_DISK_MB) as disk:
        async with make_world(disk / "data", store="rocksdb") as world:
            world.up.log = tmp_path / "up.log"
            await world.start()
            await world.connect()
            async with Crowd(world, chance) as crowd:
                await _full(world, crowd, Ballast(disk), tell, refusing=True)
            assert "free on the disk" in world.up.log.read_text() or "disk is full" in world.up.log.read_text()
            assert await world.up.stop() == 0


async def test_the_disk_of_the_local_store_is_full(
    make_world: MakeWorld, tmp_path: Path, chance: Random, tell: Tell
) -> None:
    """Only the fold's table has no room: the fold waits and comes back, and every webhook is taken meanwhile."""
    with small_disk(tmp_path / "world" / "fold", STORE_DISK_MB) as disk:
        async with make_world(store="rocksdb") as world:
            await world.start()
            await world.connect()
            async with Crowd(world, chance) as crowd:
                await _full(world, crowd, Ballast(disk), tell, refusing=False)
            assert await world.up.stop() == 0


async def _full(world: World, crowd: Crowd, ballast: Ballast, tell: Tell, *, refusing: bool) -> None:
    """Fill the disk while people write, free it, and see that everything comes right."""
    await crowd.arrive(FRIENDS, FORMER)
    done = asyncio.Event()
    around = [
        asyncio.create_task(crowd.live(done, rate=EVENTS_PER_SECOND, newcomers=0.05)),
        asyncio.create_task(crowd.send_away(done, over_seconds=FULL_SECONDS)),
    ]
    before = living(world.up.process.pid)
    try:
        ballast.fill()
        if refusing:
            await until(
                lambda: crowd.answers["503"] > 0, expected="a webhook to be refused on a full disk",
                seen=lambda: str(dict(crowd.answers)), where=world.up.log, timeout=120,
            )  # fmt: skip
        for _ in range(int(FULL_SECONDS)):
            await asyncio.sleep(1.0)
            ballast.fill()
        assert world.up.running, tail(world.up.log)
        ended = [role for role, process in before.items() if not process.alive]
    finally:
        ballast.free()
        done.set()
        await asyncio.gather(*around)
    await crowd.settle()
    await at_rest(world)
    assert refusing or crowd.answers.keys() == {"200"}, crowd.answers
    tell("ended and came back", dict.fromkeys(ended, "yes"))
    tell("answers", dict(crowd.answers))
    tell("figures", await judge(world, crowd))


@pytest.fixture
def closed_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "closed", 1, read_only=True) as disk:
        yield disk


@pytest.mark.parametrize("verb", [("up",), *[("run", role) for role in ROLES]], ids=" ".join)
async def test_a_read_only_data_dir_is_refused(make_world: MakeWorld, closed_disk: Path, verb: tuple[str, ...]) -> None:
    """Every process that would write there ends at once with 78, or 69 where Kafka is missed first; none hangs."""
    async with make_world() as world:
        said = await run_verb(
            *verb, env=world.environ | {"FRIENDSTREAM_DATA_DIR": str(closed_disk / "data")}, accept=(69, 78)
        )
    assert str(closed_disk) in said.err
    assert "bug" not in said.err
    assert said.exit_code == 78 or verb != ("up",)


async def test_a_data_dir_that_became_read_only_is_refused(make_world: MakeWorld, tmp_path: Path, tell: Tell) -> None:
    """The same for a directory that has worked, with the topics and connections of its first life."""
    with small_disk(tmp_path / "disk", KAFKA_DISK_MB) as disk:
        async with make_world(disk / "data") as world:
            world.up.log = tmp_path / "up.log"
            await world.start()
            assert await world.up.stop() == 0
            close_disk(disk)
            said = await run_verb("up", env=world.environ, accept=(69, 78))
            tell("said", {"exit": said.exit_code})
            assert str(disk) in said.err
            assert "bug" not in said.err


async def test_a_full_disk_is_refused_at_the_start(make_world: MakeWorld, tmp_path: Path) -> None:
    """`up` on a disk without room ends with 69 and says so."""
    with small_disk(tmp_path / "disk", 8) as disk:
        Ballast(disk).fill()
        async with make_world(disk / "data") as world:
            said = await run_verb("up", env=world.environ, accept=(69,))
    assert str(disk) in said.err
    assert "disk" in said.err
    assert "bug" not in said.err
