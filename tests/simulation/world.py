"""One simulated world: Kafka, HubSpot, the processes of friendstream, and who restarts them.

Law: the modules of the product get this world's clock, chance and Kafka in place of the machine's while it exists, and
their own back afterwards. One world at a time.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any

import runtime.appender
import runtime.clock
import runtime.log_reader
from domain.policy import FoldPolicy
from runtime.appender import partition_of
from runtime.settings import Settings
from schemas import topics
from sinks.hubspot import sink as sink_module
from tests.simulation.hubspot import HubSpotWorld
from tests.simulation.judge import Judge
from tests.simulation.kafka import Consumer, Kafka, SimulatedAppender
from tests.simulation.owners import FoldOwner, make_sink
from tests.simulation.virtual_time import START_MS, Process, VirtualClock, VirtualLoop

SESSION = 6.0
Work = Callable[[], Any]


class Role:
    """A program that a supervisor keeps running, each time as a new process."""

    def __init__(self, world: World, name: str, work: Work) -> None:
        self._world, self.name, self._work = world, name, work
        self.process: Process | None = None
        self.wanted = True
        self.births = 0

    def start(self) -> None:
        if not self.wanted or (self.process is not None and self.process.alive):
            return
        self.births += 1
        process = self.process = Process(f"{self.name}.{self.births}")
        process.when_out_of_steps = self.kill
        self._world.processes.append(process)
        self._world.loop.spawn(process, self._live(process))

    async def _live(self, process: Process) -> None:
        try:
            await self._work()
        except Exception as trouble:
            self._world.tell(f"{process.name} ends: {type(trouble).__name__}")
            self._world.note_end(trouble)
        if not self._world.loop.ending and process.alive:
            process.alive = False
            self._world.loop.outside(self._world.random.uniform(0.5, 3.0), self.start)

    def kill(self, restart_after: float | None = None) -> None:
        if self.process is None or not self.process.alive:
            return
        self.process.alive = False
        self._world.count("kill")
        self._world.tell(f"{self.process.name} is killed")
        wait = self._world.random.uniform(0.5, 9.0) if restart_after is None else restart_after
        self._world.loop.outside(wait, self.start)

    def freeze(self, seconds: float) -> None:
        process = self.process
        if process is None or not process.alive or process.frozen:
            return
        self._world.count("freeze")
        self._world.tell(f"{process.name} is frozen for {seconds:.1f} s")
        self._world.loop.freeze(process)
        self._world.loop.outside(seconds, self._world.loop.thaw, process)


class World:
    """Everything there is."""

    def __init__(self, seed: int, *, friends: list[str], partitions: int, sinks: int, folds: int, comes_back: bool,
                 sweep_seconds: int, options: dict[str, Any]) -> None:  # fmt: skip
        self.random = Random(seed)
        self.loop = VirtualLoop(self.random)
        self.clock = VirtualClock(self.loop)
        self.happened: Counter[str] = Counter()
        self.story: list[str] = []
        self.processes: list[Process] = []
        self.surprises: list[str] = []
        self.friends = friends
        self.sweeps = sweep_seconds < 3600
        self.settings = Settings.load({
            "FRIENDSTREAM_KAFKA": "simulated:9092",
            "FRIENDSTREAM_SESSION_SECONDS": str(SESSION),
            "FRIENDSTREAM_SWEEP_SECONDS": str(sweep_seconds),
        })  # fmt: skip
        self.kafka = Kafka(self.loop, self.clock, partitions, SESSION)
        self.hubspot = HubSpotWorld(self.loop, self.clock, self.random, options)
        self.judge = Judge(self.hubspot, friends, self.is_owner, self.tell, comes_back=comes_back)
        self.judge.whose_instead = self.whose_instead
        self.hubspot.before, self.hubspot.arrived = self.judge.before_call, self.judge.after_call
        self.kafka.written = self.judge.written
        self.kafka.acks_lost = self._ack_lost
        self.kafka.commits = self._committed
        policy = FoldPolicy(recreate_after_erasure=comes_back)
        self.folds = [Role(self, f"fold-{at}", partial(self._fold, f"fold-{at}", policy)) for at in range(folds)]
        self.sinks = [Role(self, f"sink-{at}", self._sink) for at in range(sinks)]
        self._seed_offsets()

    @property
    def roles(self) -> list[Role]:
        return self.folds + self.sinks

    def tell(self, sentence: str) -> None:
        self.story.append(f"{self.loop.time():12.3f} s  {sentence}")

    def count(self, what: str) -> None:
        self.happened[what] += 1

    def note_end(self, trouble: BaseException) -> None:
        """Which ends of a process are no surprise: trouble with Kafka, a lost lease."""
        if type(trouble).__name__ not in ("KafkaTimeoutError", "KafkaConnectionError", "LeaseLost"):
            self.surprises.append(f"{type(trouble).__name__}: {trouble}")

    def partition(self, friend: str) -> int:
        return partition_of(friend.encode(), self.kafka.partitions)

    def is_owner(self, process: Process | None, friend: str) -> bool:
        owner = self.kafka.group(topics.HUBSPOT_GROUP).owners.get(self.partition(friend))
        return owner is not None and owner.process is process and owner in owner._group.members

    def whose_instead(self, process: Process, friend: str) -> str | None:
        """Who owns the partition of a friend, where a member of the same generation acts without owning it."""
        group = self.kafka.group(topics.HUBSPOT_GROUP)
        owner = group.owners.get(self.partition(friend))
        mine = next((member for member in group.members if member.process is process), None)
        if mine is None or owner is None or owner.process is process or mine.generation != group.generation:
            return None
        return str(owner.process.name)

    def newest_rows(self) -> dict[str, bytes]:
        """friends.v1, compacted."""
        rows: dict[str, bytes] = {}
        for partition in range(self.kafka.partitions):
            for record in self.kafka.log(topics.FRIENDS.name, partition):
                rows[(record.key or b"").decode()] = record.value or b""
        return rows

    def unread(self) -> dict[str, int]:
        """Records that their readers have not committed yet, by topic."""
        pairs = [(topics.FOLD_GROUP, topic.name) for topic in topics.FOLD_SOURCES]
        pairs.append((topics.HUBSPOT_GROUP, topics.CHANGES.name))
        lags = {
            f"{topic}-{at}": len(self.kafka.log(topic, at)) - self.kafka.group(group).committed[(topic, at)]
            for group, topic in pairs
            for at in range(self.kafka.partitions)
        }
        return {where: lag for where, lag in lags.items() if lag}

    async def _fold(self, name: str, policy: FoldPolicy) -> None:
        overrules = partial(self.count, "fold: overruled a stale row")
        await FoldOwner(self.kafka, self.settings, policy, self.judge.row_applied, name, overrules).run()

    async def _sink(self) -> None:
        stop = sink_module.asyncio.Event()
        await make_sink(self.settings, self.hubspot).run(stop)

    def _ack_lost(self, topic: str) -> None:
        self.count("ack lost")
        self.tell(f"Kafka takes records of {topic}, and the writer does not hear it")

    def _committed(self, group: str, tp: Any, first: int, end: int) -> None:
        if group == topics.HUBSPOT_GROUP:
            changes = self.kafka.log(*tp)[first:end]
            self.judge.committed(changes, self.kafka.log(topics.OUTCOMES.name, tp.partition))

    def _seed_offsets(self) -> None:
        for at in range(self.kafka.partitions):
            for topic in topics.FOLD_SOURCES:
                self.kafka.group(topics.FOLD_GROUP).committed[(topic.name, at)] = 0
            self.kafka.group(topics.HUBSPOT_GROUP).committed[(topics.CHANGES.name, at)] = 0


@contextmanager
def inhabited(world: World) -> Iterator[World]:
    """Put this world in the place of the machine."""
    undo: list[tuple[Any, str, Any]] = []

    def put(where: Any, name: str, what: Any) -> None:
        undo.append((where, name, getattr(where, name)))
        setattr(where, name, what)

    kafka = world.kafka
    put(runtime.clock, "time", world.clock)
    put(runtime.clock, "random", world.clock)
    put(sink_module, "make_consumer", lambda _settings, _brokers, *, role, group: Consumer(kafka, group))
    doubles: list[tuple[Any, str, Any]] = [
        (runtime.appender, "Appender", lambda _brokers, **given: SimulatedAppender(kafka, **given)),
        (runtime.log_reader, "read_log", kafka.read_log),
        (runtime.log_reader, "end_offsets", kafka.end_offsets),
        (runtime.log_reader, "partition_count", kafka.partition_count),
        (runtime.log_reader, "committed", kafka.committed),
    ]
    for home, name, double in doubles:
        real = getattr(home, name)
        for module in [one for path, one in sys.modules.items() if path.startswith(("sinks.", "processors."))]:
            if getattr(module, name, None) is real:
                put(module, name, double)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield world
    finally:
        world.loop.end(world.processes)
        logging.disable(before)
        for where, name, what in reversed(undo):
            setattr(where, name, what)


def days_since_start(ms: int) -> float:
    """Virtual days that have passed."""
    return (ms - START_MS) / 86_400_000
