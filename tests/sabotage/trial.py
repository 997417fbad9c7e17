"""One law switched off in a copy of the project, and its test run there.

Law: a copy is as the project is before and after each trial; only a test that fails counts as seeing the sabotage, not
one that cannot be collected, set up, or that trips over a name that the sabotage forgot.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.sabotage.law import ROOT, Edit, Law

Verdict = Literal["caught", "NOT CAUGHT", "NOT SWITCHED OFF", "TEST BROKEN"]

SECONDS = 90.0
HANG_SECONDS = 15.0
_LEFT_OUT = shutil.ignore_patterns(
    ".venv", ".git", ".hypothesis", "*_cache", "__pycache__", ".friendstream", "*.egg-info", "reports"
)
_SLIPS = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "UnboundLocalError", "AttributeError")
_PYTEST = ("-q", "--no-header", "--tb=short", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Finding:
    """What became of one law."""

    law: Law
    verdict: Verdict
    said: str


@dataclass(frozen=True)
class Run:
    """How a command ended; `code` is None when it was ended by us."""

    code: int | None
    out: str


class Copy:
    """A copy of everything that is code, page or setting, and a warm process to run single tests in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        shutil.copytree(ROOT, place, ignore=_LEFT_OUT, ignore_dangling_symlinks=True)
        self._forge: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._forge is not None:
            self._forge.kill()
            self._forge.wait()

    def test(self, *arguments: str, seconds: float) -> Run:
        """One run of pytest in a child of the warm process."""
        if self._forge is None:
            self._forge = subprocess.Popen(
                [sys.executable, "-m", "tests.sabotage.forge"],
                **self._where,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert self._answer(self._forge) == "warm"
        assert self._forge.stdin is not None
        log = self.place / "reports" / "said"
        log.parent.mkdir(exist_ok=True)
        given = [*_PYTEST, "-p", "no:xdist", *arguments]
        self._forge.stdin.write(json.dumps({"arguments": given, "seconds": seconds, "log": str(log)}) + "\n")
        self._forge.stdin.flush()
        code = self._answer(self._forge)
        return Run(code if isinstance(code, int) else None, log.read_text(errors="replace"))

    def test_all(self, tests: Sequence[str], workers: int, seconds: float) -> Run:
        """Many tests side by side."""
        spread = ("-n", str(workers), "--dist", "loadfile")
        return self._run([sys.executable, "-m", "pytest", *_PYTEST, *spread, *tests], seconds)

    def run(self, command: Sequence[str]) -> Run:
        """A program of our environment."""
        return self._run([str(Path(sys.executable).parent / command[0]), *command[1:]], SECONDS)

    @contextmanager
    def switched_off(self, edits: Sequence[Edit]) -> Iterator[None]:
        """The code without a law, and as it was afterwards."""
        before = {edit.path: (self.place / edit.path).read_text() for edit in edits}
        try:
            for edit in edits:
                path = self.place / edit.path
                path.write_text(edit.applied(path.read_text()))
                _forget_compiled(path)
            yield
        finally:
            for name, text in before.items():
                (self.place / name).write_text(text)
                _forget_compiled(self.place / name)

    @property
    def _where(self) -> dict[str, object]:
        return {"cwd": self.place, "env": os.environ | {"PYTHONPATH": str(self.place)}}

    def _answer(self, forge: subprocess.Popen[str]) -> object:
        assert forge.stdout is not None
        return json.loads(forge.stdout.readline() or "null")

    def _run(self, command: list[str], seconds: float) -> Run:
        try:
            done = subprocess.run(
                command,
                **self._where,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            return Run(None, str(late))
        return Run(done.returncode, done.stdout)


def try_law(copy: Copy, law: Law) -> Finding:
    """Switch one law off, run its test, switch it on again."""
    if wrong := [edit for edit in law.edits if edit.found(copy.place) != 1]:
        places = ", ".join(f"{edit.path} ({edit.found(copy.place)} times)" for edit in wrong)
        return Finding(law, "NOT SWITCHED OFF", f"the place to change is not there exactly once: {places}")
    with copy.switched_off(law.edits):
        return _judge(law, copy)


def _judge(law: Law, copy: Copy) -> Finding:
    if law.command is not None:
        run = copy.run(law.command)
        return Finding(law, "caught" if run.code == 1 else "NOT CAUGHT", _last_line(run.out))
    report = copy.place / "reports" / "report.xml"
    report.unlink(missing_ok=True)
    seconds = HANG_SECONDS if law.hangs else SECONDS
    run = copy.test("-x", f"--junitxml={report}", law.test, seconds=seconds)
    if run.code is None:
        return Finding(law, "caught" if law.hangs else "TEST BROKEN", f"still waiting after {seconds:.0f} s")
    if run.code == 0:
        return Finding(law, "NOT CAUGHT", _last_line(run.out))
    failures, errors = (_messages(report, kind) for kind in ("failure", "error"))
    if errors or not failures or _is_a_slip(failures[0]):
        return Finding(law, "TEST BROKEN", (errors or failures or [run.out[-1500:]])[0])
    return Finding(law, "caught", failures[0])


def _is_a_slip(failure: str) -> bool:
    """The sabotage broke the code's names rather than its law; a None where something was awaited is no slip."""
    kind = failure.split(":")[0].split(".")[-1].strip()
    return kind in _SLIPS and "'NoneType' object" not in failure


def _messages(report: Path, kind: str) -> list[str]:
    """The first line of each failure or error."""
    if not report.exists():
        return []
    found = [entry for case in ET.parse(report).iter("testcase") for entry in case.findall(kind)]
    return [(entry.get("message") or "").strip().split("\n")[0] for entry in found]


def _last_line(out: str) -> str:
    lines = [line for line in out.strip().split("\n") if line.strip()]
    return lines[-1] if lines else ""


def _forget_compiled(source: Path) -> None:
    """Python takes compiled code for current if the source has its second and its size."""
    for compiled in (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"):
        compiled.unlink()
