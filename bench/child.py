"""A process under measurement.

Law: what a process cost is read from the kernel, not from its own words.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from runtime.process_table import dying_with_parent

_TICKS = os.sysconf("SC_CLK_TCK")


class Ended(RuntimeError):
    """The process ended when it should not have; the message has the end of its log."""


class Child:
    """A Python process of ours, started at once; its output goes to `log`."""

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.began = time.monotonic()
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=dying_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_bytes(self) -> int:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Ended(self._end())

    def check(self) -> None:
        """Raise Ended unless it runs."""
        if self._process.poll() is not None:
            raise Ended(self._end())

    def wait_for_document(self, path: Path, timeout: float = 120.0) -> dict[str, Any]:
        """Wait until it wrote a role document that says ready (or a ready file); the document."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.check()
            try:
                found = orjson.loads(path.read_bytes())
            except (FileNotFoundError, orjson.JSONDecodeError):
                found = None
            if isinstance(found, dict) and found.get("ready", True) and found.get("pid") == self.pid:
                return found
            time.sleep(0.01)
        raise Ended(f"{self.name} was not ready within {timeout:.0f} s\n{self._tail()}")

    def wait(self, timeout: float) -> int:
        """Wait for its end; the exit code."""
        return self._process.wait(timeout)

    def stop(self, timeout: float = 20.0) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def _end(self) -> str:
        return f"{self.name} ended with {self._process.poll()}\n{self._tail()}"

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]
