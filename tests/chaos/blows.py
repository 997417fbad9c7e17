"""What is done to the processes: kill -9, SIGTERM, and freezes longer than a session, at random moments.

Law: the schedule follows from the seed alone; every victim meets every kind of blow before one comes twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from cli.demo_world.failure import NotSeenError, until
from tests.chaos.processes import KAFKA, Living

Kind = Literal["kill", "stop", "freeze"]
KINDS: tuple[Kind, ...] = ("kill", "stop", "freeze")
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGTERM, "freeze": signal.SIGSTOP}
VICTIMS = ("ingress", "fold", "hubspot", "line", "broker")
PATIENT = 0.45  # share of blows that wait until work is done again: who is struck at the start has nothing in hand
PATIENCE_SECONDS = 15.0
FROZEN_SESSIONS = (1.2, 1.6)  # how long a freeze lasts, in session timeouts
LEFT_ALIVE_SECONDS = 60.0

Find = Callable[[], dict[str, Living]]


@dataclass(frozen=True, slots=True)
class Blow:
    """One blow, `pause` seconds after the one before, or (`patient`) after the work that followed it.

    `lasts` = seconds of a freeze.
    """

    victim: str
    kind: Kind
    pause: float
    patient: bool = False
    lasts: float = 0.0


@dataclass(frozen=True, slots=True)
class Struck:
    """A blow that was struck, and whom it hit."""

    blow: Blow
    process: Living


@dataclass(slots=True)
class Storm:
    """Strikes, `find` says who lives; `work` counts what was done so far. Nobody has to be back before the next."""

    find: Find
    work: Callable[[], int]
    struck: list[Struck] = field(default_factory=list)
    _thaws: set[asyncio.Task[None]] = field(default_factory=set)

    async def rage(self, blows: Sequence[Blow]) -> None:
        """Strike all of them; returns when the last frozen process goes on."""
        try:
            for blow in blows:
                if blow.patient:
                    await self._work_is_done()
                await asyncio.sleep(blow.pause)
                await self._strike(blow)
            if self._thaws:
                await asyncio.wait(self._thaws)
        finally:
            self._thaw_all()

    def counts(self) -> Counter[str]:
        """How many blows of which kind hit whom: `fold kill` -> 4."""
        return Counter(f"{one.blow.victim} {one.blow.kind}" for one in self.struck)

    async def _work_is_done(self) -> None:
        before = self.work()
        with contextlib.suppress(NotSeenError):  # whoever cannot work is struck all the same
            await until(lambda: self.work() > before, expected="work", seen=lambda: "none", timeout=PATIENCE_SECONDS)

    async def _strike(self, blow: Blow) -> None:
        await until(
            lambda: blow.victim in self.find(),
            expected=f"`up` to have a process for {blow.victim}",
            seen=lambda: f"only {', '.join(sorted(self.find()))}",
            timeout=LEFT_ALIVE_SECONDS,
        )
        process = self.find().get(blow.victim)
        if process is None or not process.send(SIGNALS[blow.kind]):
            return
        self.struck.append(Struck(blow, process))
        if blow.kind == "freeze":
            thaw = asyncio.create_task(_thaw(process, blow.lasts))
            self._thaws.add(thaw)
            thaw.add_done_callback(self._thaws.discard)

    def _thaw_all(self) -> None:
        for one in self.struck:
            if one.blow.kind == "freeze":
                one.process.send(signal.SIGCONT)


async def _thaw(process: Living, lasts: float) -> None:
    await asyncio.sleep(lasts)
    process.send(signal.SIGCONT)


def schedule(
    chance: Random,
    count: int,
    *,
    mean_pause: float,
    session_seconds: float,
    victims: Sequence[str] = VICTIMS,
    kinds: Sequence[Kind] = KINDS,
) -> list[Blow]:
    """`count` blows; pauses are exponential, so some come at once and some leave time to recover."""
    return list(itertools.islice(_endless(chance, mean_pause, session_seconds, victims, kinds), count))


def _endless(
    chance: Random, mean_pause: float, session_seconds: float, victims: Sequence[str], kinds: Sequence[Kind]
) -> Iterator[Blow]:
    while True:
        everything = list(itertools.product(victims, kinds))
        chance.shuffle(everything)
        for role, kind in everything:
            victim = chance.choice((role, KAFKA)) if role == "broker" else role
            pause = min(chance.expovariate(1 / mean_pause), 4 * mean_pause)
            lasts = chance.uniform(*FROZEN_SESSIONS) * session_seconds if kind == "freeze" else 0.0
            yield Blow(victim, kind, pause, chance.random() < PATIENT, lasts)


async def while_it_lasts(done: asyncio.Event, every: Callable[[], float]) -> AsyncIterator[None]:
    """One step after each pause of `every()` seconds, until `done` is set."""
    while not done.is_set():
        yield
        try:
            await asyncio.wait_for(done.wait(), every())
        except TimeoutError:
            continue
