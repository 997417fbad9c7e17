"""Section `fold`: our worker against a stock Faust table agent and against Quix Streams, on the same events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.child import Child
from bench.peers import quix, stock
from bench.preload import preload_events
from bench.report import Section, Size, say
from bench.world import PARTITIONS, World
from schemas.topics import DECISIONS, EVENTS, FOLD_GROUP

EVENTS_FULL, EVENTS_STOCK = 300_000, 30_000
FRIENDS_FULL = 100_000
PATIENCE = 180.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A worker: how it starts, where one record per event comes out, its group, how many events it is measured on."""

    shown: str
    start: Callable[[World], Child]
    output: str
    group: str
    events: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Events a second, CPU microseconds an event, resident MiB at the end."""

    rate: float
    cpu_us: float
    memory_mib: float


def measure(world: World, size: Size) -> Section:
    """Alternate between the three; each starts on the same waiting events with no state."""
    events, friends = size.count(EVENTS_FULL), size.count(FRIENDS_FULL)
    contenders = {
        "ours": Contender("friendstream", _ours, DECISIONS.name, FOLD_GROUP, events),
        "stock": Contender("stock Faust", _stock, stock.OUTPUT, "bench-stock", size.count(EVENTS_STOCK)),
        "quix": Contender("Quix Streams, tuned", _quix, quix.DECISIONS, "bench-quix", events),
    }
    world.fresh_topics(world.directory())
    preload_events(world.brokers, events, friends)
    rounds = [{name: _run(world, contender) for name, contender in contenders.items()} for _ in range(size.rounds)]
    return _report(rounds, contenders, events, friends)


def _ours(world: World) -> Child:
    return world.role("fold", world.directory())


def _stock(world: World) -> Child:
    world.create_topics([stock.OUTPUT])
    return world.child("stock", ["-m", "bench.peers.stock", world.brokers, str(world.directory()), str(PARTITIONS)], {})


def _quix(world: World) -> Child:
    world.create_topics(list(quix.OUTPUTS))
    return world.child("quix", ["-m", "bench.peers.quix", world.brokers, str(world.directory())], {})


def _run(world: World, contender: Contender) -> Figures:
    """From the first result seen to the last, so that the start of the process does not count."""
    world.fresh_topics(world.directory(), keep=[EVENTS.name])
    child = contender.start(world)
    say(f"{contender.shown}: started")
    began, first, cpu = time.monotonic(), 0, 0.0
    while True:
        child.check()
        now, count = time.monotonic(), world.written(contender.output)
        if not first and count:
            began, first, cpu = now, count, child.cpu_seconds()
        if count >= contender.events:
            break
        if now - began > PATIENCE:
            raise RuntimeError(f"{contender.shown} got no further than {count} of {contender.events} events")
        time.sleep(0.02)
    done, seconds, spent = count - first, now - began, child.cpu_seconds() - cpu
    figures = Figures(done / seconds, 1e6 * spent / done, child.memory_bytes() / 2**20)
    if contender.events == world.written(EVENTS.name):
        world.wait_committed(contender.group, contender.events)
    child.stop()
    say(f"{contender.shown}: {figures.rate:,.0f} events/s, {figures.cpu_us:.0f} us/event")
    return figures


def _report(rounds: list[dict[str, Figures]], contenders: dict[str, Contender], events: int, friends: int) -> Section:
    section = Section(
        "fold",
        "The fold",
        f"{events:,} messages of {friends:,} friends wait in the log, {PARTITIONS} partitions, headers on every event; "
        "one worker process each, from its first result to its last. Ours: parse, fold, change, request and decision "
        "acknowledged, state acknowledged in the changelog, then committed. Stock Faust: parse, the same domain, one "
        f"table write, one send of the decision, defaults ({contenders['stock'].events:,} events). Quix Streams: "
        "parse, the same domain, the same outputs and state, commit 1 s, linger 20 ms (`bench/peers/`).",
        ["worker", "events/s", "CPU us/event", "memory MiB"],
    )
    for name, contender in contenders.items():
        of = [one[name] for one in rounds]
        cells = (median(figures.rate for figures in of), median(figures.cpu_us for figures in of))
        memory = median(figures.memory_mib for figures in of)
        section.row(contender.shown, f"{cells[0]:,.0f}", f"{cells[1]:,.0f}", f"{memory:,.0f}")
    for name, wanted in (("stock", 12.0), ("quix", 1.3)):
        ratio = median(one["ours"].rate / one[name].rate for one in rounds)
        section.goal(
            f"events/s against {contenders[name].shown}", f"{ratio:.1f}x", f">= {wanted:g}x", met=ratio >= wanted
        )
    return section
