"""Second workers and second sinks join, leave, die and freeze while people write: nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from cli.demo_world.failure import tail, until
from cli.demo_world.program import COMMAND
from cli.demo_world.world import SESSION_SECONDS, World
from runtime.process import read_document
from runtime.process_table import dying_with_parent
from tests.chaos.blows import FROZEN_SESSIONS
from tests.chaos.conftest import MakeWorld, Tell
from tests.chaos.crowd import Crowd
from tests.chaos.processes import living
from tests.chaos.verdict import assert_counters_agree, at_rest, judge
from tests.chaos.weather import bad_weather

FRIENDS, FORMER = 100, 10
EVENTS_PER_SECOND = 25.0
ROUNDS = 4
SECOND = ("fold", "hubspot")
READY_SECONDS = 90.0
SECRET_KEY = "a key for the members of one test only"


class Member:
    """A second process of a role, with a data directory of its own on the Kafka of `world`."""

    def __init__(self, world: World, role: str) -> None:
        self.role = role
        self.home: Path = world.data_dir.parent / f"second-{role}"
        self._world = world
        self._process: Process | None = None

    @property
    def ready(self) -> bool:
        document = read_document(self.home / "run" / f"{self.role}.json") or {}
        return document.get("ready") is True and document.get("pid") == self._running.pid

    @property
    def _running(self) -> Process:
        assert self._process is not None
        return self._process

    async def join(self) -> None:
        """Start it, and wait until it has its share of the partitions."""
        settings = {"FRIENDSTREAM_DATA_DIR": str(self.home), "FRIENDSTREAM_KAFKA": self._world.up.ready["kafka"]}
        self.home.mkdir(exist_ok=True)
        log = self.home / "role.log"
        with log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND, "run", self.role, env=self._world.environ | settings,
                stdin=DEVNULL, stdout=output, stderr=output, preexec_fn=dying_with_parent(signal.SIGKILL),
            )  # fmt: skip
        await until(
            lambda: self.ready or self._running.returncode is not None,
            expected=f"a second {self.role} to be ready", seen=lambda: tail(log), where=log, timeout=READY_SECONDS,
        )  # fmt: skip

    async def leave(self, number: signal.Signals) -> int:
        """End it by this signal; its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self._running.send_signal(number)
        return await asyncio.wait_for(self._running.wait(), READY_SECONDS)

    async def freeze(self, seconds: float) -> None:
        """Stop it for so long, and let it go on."""
        with contextlib.suppress(ProcessLookupError):
            self._running.send_signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            self._running.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.returncode is None:
            await self.leave(signal.SIGKILL)


@pytest.mark.chaos
async def test_members(make_world: MakeWorld, chance: Random, tell: Tell) -> None:
    """A second fold and a second HubSpot sink come and go; so do the first ones, beside them."""
    async with make_world(secret_key=SECRET_KEY) as world:
        await world.start()
        await world.connect()
        done = asyncio.Event()
        async with Crowd(world, Random(chance.random())) as crowd:
            await crowd.arrive(FRIENDS, FORMER)
            around = [
                asyncio.create_task(crowd.live(done, rate=EVENTS_PER_SECOND, newcomers=0.02)),
                asyncio.create_task(crowd.meddle(done, mean_pause=3.0)),
                asyncio.create_task(crowd.send_away(done, over_seconds=40.0)),
                asyncio.create_task(bad_weather(world.hubspot, Random(chance.random()), done, mean_pause=0.5)),
            ]
            members = [Member(world, role) for role in SECOND]
            try:
                for number in range(ROUNDS):
                    met = await _round(world, members, chance)
                    tell(f"round {number + 1}", dict(met))
                await asyncio.gather(*[member.join() for member in members])
            finally:
                done.set()
                await asyncio.gather(*around)
            try:
                await crowd.come_back()
                await at_rest(world)
                tell("figures", await judge(world, crowd))
                tell("counters", await assert_counters_agree(world))
                assert [await member.leave(signal.SIGTERM) for member in members] == [0, 0]
            finally:
                await asyncio.gather(*[member.end() for member in members])


async def _round(world: World, members: list[Member], chance: Random) -> Counter[str]:
    """Both join; then one of each pair goes, in one of four ways, and what is left carries on."""
    await asyncio.gather(*[member.join() for member in members])
    await asyncio.sleep(chance.uniform(0.5, 3.0))
    met: Counter[str] = Counter()
    for member in members:
        way = chance.choice(("leaves", "is killed", "is frozen", "loses its elder"))
        met[f"{member.role} {way}"] += 1
        if way == "is frozen":
            await member.freeze(chance.uniform(*FROZEN_SESSIONS) * SESSION_SECONDS)
        elif way == "loses its elder":
            elder = living(world.up.process.pid).get(member.role)
            if elder is not None:
                elder.send(chance.choice((signal.SIGKILL, signal.SIGTERM)))
            await asyncio.sleep(chance.uniform(1.0, SESSION_SECONDS))
        await member.leave(signal.SIGKILL if way == "is killed" else signal.SIGTERM)
        await asyncio.sleep(chance.uniform(0.0, 2.0))
    return met
