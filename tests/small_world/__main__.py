"""Every state of some small worlds, and every rule removed once: `python -m tests.small_world [--deep] [..]`.

Law: 0 only if no world breaks a law and each removed rule is missed by its world.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.small_world.explorer import Explored
from tests.small_world.jobs import every_world, explore, without_rule
from tests.small_world.rules import KEPT, MUTATIONS

WORKERS = 2


def main(arguments: Sequence[str]) -> int:
    """Do what was asked for; the exit code."""
    asked = _parse(arguments)
    names = [name for name in every_world(asked.deep) if asked.world in name]
    if asked.list:
        print("\n".join(names))
        return 0
    began = time.monotonic()
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        rules = [rule.rule for rule in MUTATIONS if not asked.world and asked.rule in rule.rule]
        removed = pool.map(without_rule, rules)
        explored = [] if asked.rule else pool.map(explore, names, [asked.deep] * len(names))
        missed = _tell_rules(zip(rules, removed, strict=True)) if rules else 0
        broken = _tell_worlds(explored)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if broken or missed else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.small_world", description="Explore the small worlds.")
    parser.add_argument("--deep", action="store_true", help="more trouble at once: hours")
    parser.add_argument("--world", default="", help="only worlds with this in their name, and no rule removed")
    parser.add_argument("--rule", default="", help="only rules with this in their name, and no whole world")
    parser.add_argument("--list", action="store_true", help="name the worlds")
    return parser.parse_args(arguments)


def _tell_worlds(explored: Iterable[Explored]) -> int:
    """Print each world as it ends; how many break a law."""
    states, steps, count, broken = 0, 0, 0, 0
    for one in explored:
        count, states, steps = count + 1, states + one.states, steps + one.steps
        figures = f"{one.states:>8} states {one.steps:>9} steps {one.rests:>6} at rest {one.excused:>6} excused"
        print(f"{one.name:<62} {figures}", flush=True)
        if one.broken:
            broken += 1
            print(f"  BROKEN: {one.broken}")
            print("\n".join(f"  {number:>3}. {text}" for number, text in enumerate(one.diary, 1)))
            print(f"  again: make small-world ARGS='--world \"{one.name}\"'")
    if count:
        print(f"{count} worlds, {states} states, {steps} steps, {broken} broken")
    return broken


def _tell_rules(removed: Iterable[tuple[str, Explored]]) -> int:
    """Print what misses each rule; how many are missed by nothing."""
    missed = count = 0
    print(f"\n{'rule removed':<66} {'states':>7}  what fails")
    for rule, one in removed:
        count += 1
        missed += not one.broken
        print(f"{rule:<66} {one.states:>7}  {one.broken or 'NOTHING'}", flush=True)
    print(f"{count} rules removed, {count - missed} missed, {missed} not")
    print("kept although no world can miss them:")
    print("\n".join(f"- {rule}: {why}" for rule, why in KEPT.items()))
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
