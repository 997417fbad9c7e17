"""Figures become docs/benchmarks.md.

Law: the page is written by the run that measured; a section that was not run keeps the text of the run before.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
ORDER = ("fold", "ingress", "calls", "latency", "trouble", "recovery")
HEAD = """# Benchmarks

<!-- Written by `make bench`; `make bench ARGS="ingress"` runs one section again. -->

Every figure is a ratio or a time measured in one run: real Kafka, real processes, simulated LINE and HubSpot, medians
of the rounds. A goal that was missed says so.
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: `scale` 1 is the real thing, less is for developing the bench."""

    rounds: int = 3
    scale: float = 1.0

    def count(self, full: int) -> int:
        """So many of the full number."""
        return max(1, int(full * self.scale))

    def seconds(self, full: float) -> float:
        """So many of the full seconds."""
        return max(1.0, full * self.scale)


@dataclass(slots=True)
class Section:
    """One section of the page."""

    name: str
    title: str
    text: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    goals: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def row(self, *cells: str) -> None:
        """Add a row."""
        self.rows.append(list(cells))

    def goal(self, what: str, found: str, wanted: str, *, met: bool) -> None:
        """Add a goal and whether it was met."""
        self.goals.append((what, found, wanted, met))

    def markdown(self, size: Size) -> str:
        """The section as text."""
        lines = [f"## {self.title}", "", self.text, "", _row(self.columns), _row(["---"] * len(self.columns))]
        lines += [_row(row) for row in self.rows]
        lines += ["", _row(["goal", "measured", "wanted", ""]), _row(["---"] * 4)]
        lines += [
            _row([what, found, wanted, "met" if met else "**missed**"]) for what, found, wanted, met in self.goals
        ]
        note = "" if size.scale == 1 else f" A short run at scale {size.scale}: no figure to rely on."
        return "\n".join([*lines, "", f"{size.rounds} rounds. {machine()}.{note}", ""])


def say(what: str) -> None:
    """Tell the person who waits."""
    print(f"  {what}", file=sys.stderr, flush=True)


def machine() -> str:
    """What it ran on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, Kafka {_kafka_version()} on the same machine"
    )


def write(sections: list[Section], size: Size, page: Path = PAGE) -> None:
    """Replace these sections of the page, keep the others."""
    kept = _sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    kept |= {section.name: section.markdown(size) for section in sections}
    parts = [f"<!-- {name} -->\n{kept[name]}" for name in ORDER if name in kept]
    page.write_text("\n".join([HEAD, *parts]), encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^<!-- (\w+) -->\n", text, flags=re.MULTILINE)
    return {name: body.rstrip() + "\n" for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _kafka_version() -> str:
    lock = (Path(__file__).parent.parent / "runtime" / "kafka.lock").read_text()
    found = re.search(r'artifact = "kafka-clients"\nversion = "([0-9.]+)"', lock)
    return found[1] if found else "unknown"
