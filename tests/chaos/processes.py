"""Which processes a running `up` has, as the kernel tells it, and the signals they are sent.

Law: a process is known by its id and its start time together, so nobody else is ever struck.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime.process_table import command_line, is_alive, start_time

ROLES = ("broker", "ingress", "fold", "hubspot", "line")
KAFKA = "kafka"  # the JVM under the role `broker`


@dataclass(frozen=True, slots=True)
class Living:
    """One process."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        return is_alive(self.pid, self.started)

    def send(self, number: signal.Signals) -> bool:
        """Send the signal, if it is still this process; whether it was."""
        if not self.alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


def living(up: int) -> dict[str, Living]:
    """The processes of an `up` by role, those that are only starting included; `kafka` is the broker's JVM."""
    found: dict[str, Living] = {}
    for pid in _children_of(up):
        words = command_line(pid)
        if "run" in words[:-1] and words[-1] in ROLES:
            _add(found, words[-1], pid)
    if "broker" in found:
        for pid in _children_of(found["broker"].pid):
            if "kafka.Kafka" in command_line(pid):
                _add(found, KAFKA, pid)
    return found


def _add(found: dict[str, Living], name: str, pid: int) -> None:
    if (started := start_time(pid)) is not None:
        found[name] = Living(pid, started)


def _children_of(parent: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _parent(entry / "stat") == parent:
            yield int(entry.name)


def _parent(stat: Path) -> int | None:
    try:
        return int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None
