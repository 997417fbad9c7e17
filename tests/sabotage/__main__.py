"""Each law switched off in turn: `python -m tests.sabotage [--law NAME ..] [--list] [--write]`.

Law: 0 only if every named test passes on the code as it is and fails without its law, and the page is up to date.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sabotage.codebook import CHAPTERS, LAWS
from tests.sabotage.law import Law
from tests.sabotage.page import PAGE, page
from tests.sabotage.trial import Copy, Finding, try_law

WORKERS = 2
ALL_TESTS_SECONDS = 400.0


def main(arguments: Sequence[str]) -> int:
    """Do what was asked for; the exit code."""
    asked = _parse(arguments)
    laws = [law for law in LAWS if not asked.law or law.name in asked.law]
    if unknown := set(asked.law) - {law.name for law in LAWS}:
        print(f"no such law: {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
        return 2
    if asked.list:
        _list(laws)
        return 0
    if asked.write:
        PAGE.write_text(page())
        print(f"wrote {PAGE.relative_to(PAGE.parents[1])}: {len(LAWS)} laws")
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sabotage-") as home, contextlib.ExitStack() as stack:
        copies = [stack.enter_context(Copy(Path(home) / f"copy-{n}")) for n in range(min(WORKERS, len(laws)))]
        sound = _all_pass(copies[0], laws)
        findings = _try_all(copies, laws)
    _print_table(findings)
    missed = [finding for finding in findings if finding.verdict != "caught"]
    current = PAGE.exists() and PAGE.read_text() == page()
    if not current:
        print("docs/laws.md is not what the laws say: make sabotage ARGS=--write")
    seconds = time.monotonic() - began
    print(
        f"{len(findings)} laws switched off, {len(findings) - len(missed)} caught, {len(missed)} not; {seconds:.0f} s"
    )
    return 0 if sound and current and not missed else 1


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description="Switch each law off in turn.")
    parser.add_argument("--law", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
    parser.add_argument("--list", action="store_true", help="name the laws and the lines that are changed")
    parser.add_argument("--write", action="store_true", help="write docs/laws.md and run nothing")
    return parser.parse_args(arguments)


def _all_pass(copy: Copy, laws: Iterable[Law]) -> bool:
    """The named tests on the code as it is: a test that always fails sees nothing."""
    tests = sorted({law.test for law in laws if law.command is None})
    commands = {law.test: law.command for law in laws if law.command is not None}
    runs = [copy.test_all(tests, WORKERS, ALL_TESTS_SECONDS)] if tests else []
    runs += [copy.run(command) for command in commands.values()]
    for run in runs:
        if run.code != 0:
            print("these tests must pass on the code as it is:", run.out[-6000:], sep="\n")
    return all(run.code == 0 for run in runs)


def _try_all(copies: Sequence[Copy], laws: Sequence[Law]) -> list[Finding]:
    free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def attempt(law: Law) -> Finding:
        copy = free.get()
        try:
            finding = try_law(copy, law)
        finally:
            free.put(copy)
        print(f"{finding.verdict:>16}  {law.name}", flush=True)
        return finding

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(attempt, laws))


def _print_table(findings: Sequence[Finding]) -> None:
    by_name = {finding.law.name: finding for finding in findings}
    for chapter in CHAPTERS:
        shown = [by_name[law.name] for law in chapter.laws if law.name in by_name]
        if not shown:
            continue
        print(f"\n{chapter.title}")
        for finding in shown:
            law = finding.law
            print(f"  {law.name} -> {law.without} -> {law.test} -> {finding.verdict}")
            if finding.verdict != "caught":
                print(textwrap.indent(finding.said, "      "))
    print()


def _list(laws: Iterable[Law]) -> None:
    for law in laws:
        print(f"{law.name}: {law.says}\n  test: {law.test}")
        for edit in law.edits:
            print(f"  {edit.path}")
            print(textwrap.indent(edit.old or "(the end of the file)", "    - "))
            print(textwrap.indent(edit.new, "    + "))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
