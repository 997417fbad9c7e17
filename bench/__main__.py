"""`python -m bench [SECTION ..] [--scale X] [--rounds N]`: measure, and write docs/benchmarks.md.

A scale below 1 is for developing the bench: it measures less and writes nothing unless --write is given.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import time

from bench.report import ORDER, Size, write
from bench.world import World


def main() -> int:
    """Run the sections that were asked for; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(ORDER)}; none means all")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the page although the scale is not 1")
    given = parser.parse_args()
    unknown = sorted(set(given.sections) - set(ORDER))
    if unknown:
        parser.error(f"no such section: {', '.join(unknown)}")
    logging.disable(logging.ERROR)  # libraries talk while topics come and go
    size = Size(given.rounds, given.scale)
    missed = False
    for name in [name for name in ORDER if name in given.sections or not given.sections]:
        began = time.monotonic()
        with World() as world:
            section = importlib.import_module(f"bench.{name}").measure(world, size)
        print(f"{section.markdown(size)}\n({time.monotonic() - began:.0f} s)\n", flush=True)
        if size.scale == 1 or given.write:
            write([section], size)
        missed |= any(not met for *_, met in section.goals)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
