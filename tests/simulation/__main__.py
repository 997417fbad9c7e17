"""`python -m tests.simulation`: many random lives, each from its seed, and what they went through.

A failing seed prints its story and the command that lives it again. What no life ever met is a failure of the
simulation itself.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.simulation.judge import Broken
from tests.simulation.life import Life
from tests.simulation.planted import BUGS, SHOWN_BY
from tests.simulation.virtual_time import Busy

SEEDS = 1000
ENOUGH_TO_MEET_ALL = 500
MUST_HAPPEN = (
    "LINE: message", "LINE: follow", "LINE: unfollow", "LINE: postback", "LINE: imported", "LINE: unsend",
    "LINE: beacon", "LINE: twice", "LINE: late", "LINE: redelivered", "LINE: profile", "LINE: reply",
    "operator: erase", "operator: resync",
    "people: delete", "people: restore", "people: merge", "people: erase for privacy", "people: edit an address",
    "people: edit our property", "people: edit another property", "people: add", "people: delete a property",
    "kill", "freeze", "ack lost", "broker away", "broker slow", "wrong clock", "days pass", "rebalance",
    "HubSpot: 429", "HubSpot: 500", "HubSpot: 502", "HubSpot: 503", "HubSpot: 423", "HubSpot: 477", "HubSpot: 207",
    "HubSpot: 400", "HubSpot: 401", "HubSpot: 403", "HubSpot: 500 after it was done",
    "HubSpot: 502 after it was done", "HubSpot: 503 after it was done", "HubSpot: timeout",
    "HubSpot: apply-then-timeout", "HubSpot: drop", "HubSpot: apply-then-drop", "HubSpot: apply-late",
    "HubSpot: slow", "HubSpot: poison", "HubSpot: whole batch judged at once", "HubSpot: a result left out",
    "HubSpot: an empty answer", "HubSpot: an error that names nobody", "HubSpot: day is spent",
    "HubSpot: token withdrawn", "HubSpot: scope withdrawn", "HubSpot: address blocked",
    "outcome: created", "outcome: updated", "outcome: adopted", "outcome: merged", "outcome: gone",
    "outcome: erased", "outcome: rejected", "outcome: parked",
    "sight: archived", "sight: restored", "sight: merged", "sight: drifted", "sight: twin",
    "sight: erased", "sight: alive",
    "outcome: shadowed", "fold: overruled a stale row",
)  # fmt: skip


@dataclass
class Lived:
    """What came of some lives."""

    seeds: int = 0
    met: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str, list[str]]] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    compared: int = 0
    shared: int = 0

    def add(self, other: Lived) -> None:
        self.seeds += other.seeds
        self.met += other.met
        self.excused += other.excused
        self.broken += other.broken
        self.steps += other.steps
        self.seconds += other.seconds
        self.compared += other.compared
        self.shared += other.shared


def live(seed: int) -> Lived:
    """One life."""
    life, lived = Life(seed), Lived(seeds=1)
    try:
        life.live()
    except (Broken, Busy) as broken:
        lived.broken.append((seed, str(broken), life.world.story))
    except Exception as error:  # reported as broken, with its story: no life may end so
        lived.broken.append((seed, f"{type(error).__name__}: {error}", life.world.story))
    lived.met, lived.excused = life.met(), life.world.judge.excused
    lived.steps, lived.seconds = life.world.loop.steps, life.world.loop.time()
    lived.compared, lived.shared = life.compared, life.shared
    return lived


def main() -> int:
    """0 when no law was broken and everything was met."""
    asked = _arguments()
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)  # of killed processes
    if asked.planted:
        BUGS[asked.planted]()
    if asked.seed is not None:
        return _tell_one(live(asked.seed))
    began, lived = time.monotonic(), Lived()
    seeds = range(asked.first, asked.first + asked.seeds)
    with get_context("fork").Pool(asked.jobs) as pool:
        for one in pool.imap_unordered(live, seeds, chunksize=4):
            lived.add(one)
            for seed, sentence, _story in one.broken:
                print(f"seed {seed}: {sentence}", file=sys.stderr, flush=True)
            if asked.planted and _shows(asked.planted, lived):
                break
    if asked.planted:
        return _tell_planted(asked.planted, lived)
    return _tell_all(lived, time.monotonic() - began, asked)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many lives (default {SEEDS})")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--seed", type=int, help="live this one and print its story")
    parser.add_argument("--planted", choices=sorted(BUGS), help="switch off this rule first; 0 when that is found")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    return parser.parse_args()


def _tell_one(lived: Lived) -> int:
    for seed, sentence, story in lived.broken:
        _tell_story(seed, sentence, story)
    if not lived.broken:
        print(f"no law broken; {lived.compared} contacts compared, {lived.seconds:.0f} virtual seconds")
    return 1 if lived.broken else 0


def _tell_story(seed: int, sentence: str, story: list[str]) -> None:
    print(f"\nseed {seed}: {sentence}")
    print(f"  again: python -m tests.simulation --seed {seed}")
    print("\n".join(f"  {line}" for line in story))


def _shows(bug: str, lived: Lived) -> list[tuple[int, str]]:
    """The lives that ended with a sentence about this bug."""
    return [(seed, sentence) for seed, sentence, _story in lived.broken if re.search(SHOWN_BY[bug], sentence)]


def _tell_planted(bug: str, lived: Lived) -> int:
    if not (shown := _shows(bug, lived)):
        print(f"{bug}: not found in {lived.seeds} lives, {len(lived.broken)} of which ended otherwise")
        return 1
    seed, sentence = shown[0]
    print(f"{bug}: found after {lived.seeds} lives, seed {seed}: {sentence}")
    return 0


def _tell_all(lived: Lived, took: float, asked: argparse.Namespace) -> int:
    for seed, sentence, story in sorted(lived.broken)[:3]:
        _tell_story(seed, sentence, story)
    print(f"{lived.seeds} lives from seed {asked.first} in {took:.0f} s: {lived.seconds / 86_400:.1f} virtual days,"
          f" {lived.steps} steps, {lived.compared} contacts compared with what the events say")  # fmt: skip
    for what, times in sorted(lived.met.items()):
        print(f"  {times:8}  {what}")
    print(f"  excused (DESIGN 4.3): {dict(lived.excused) or 'nothing'}; contacts of two friends: {lived.shared}")
    missed = [what for what in MUST_HAPPEN if not lived.met[what]] if asked.seeds >= ENOUGH_TO_MEET_ALL else []
    if missed:
        print(f"never happened: {', '.join(missed)}")
    print(f"broken: {len(lived.broken)}" + "".join(f"\n  seed {seed}: {why}" for seed, why, _ in sorted(lived.broken)))
    return 1 if lived.broken or missed else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets belongs to the seed
        os.execve(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
                  {**os.environ, "PYTHONHASHSEED": "0"})  # fmt: skip
    sys.exit(main())
