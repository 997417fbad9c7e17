"""The program as its users start it: `up` as a child process with a log, and the verbs.

Law: settings go by the environment, secrets never by argument; no process started here outlives this one.
"""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from cli.demo_world.failure import NotSeenError, tail, until
from runtime.process_table import dying_with_parent

COMMAND = (sys.executable, "-P", "-m", "cli.main")  # -P: what lies in the current directory is not imported
STOP_SECONDS = 40.0
VERB_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Said:
    """How a verb ended and what it said."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return orjson.loads(self.out)


async def run_verb(
    *args: str, env: Mapping[str, str], accept: Collection[int] | None = (0,), timeout: float = VERB_SECONDS
) -> Said:
    """Run one verb to its end; NotSeenError when its exit code is none of `accept` (None: any)."""
    spoken = f"friendstream {' '.join(args)}"
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *args,
        env=dict(env),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        process_group=0,  # Ctrl-C is for the one who runs this
        preexec_fn=dying_with_parent(signal.SIGKILL),
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        raise NotSeenError(f"`{spoken}` to end within {timeout:.0f} s", "it was still running") from None
    finally:
        await _kill(process)
    said = Said(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))
    if accept is not None and said.exit_code not in accept:
        wanted = " or ".join(str(code) for code in accept)
        heard = "\n".join((said.err.strip() or said.out.strip()).splitlines()[-12:])
        raise NotSeenError(f"exit {wanted} of `{spoken}`", f"exit {said.exit_code}: {heard}")
    return said


class Up:
    """`friendstream up` as a child; `ready` is its ready document, `log` what it and its roles said."""

    def __init__(self, data_dir: Path) -> None:
        self.log = data_dir / "up.log"
        self.ready: dict[str, Any] = {}
        self._ready_file = data_dir / "ready.json"
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The child that was started last."""
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.returncode is None

    async def start(self, env: Mapping[str, str], *, timeout: float = 120.0) -> dict[str, Any]:
        """Start it and return its ready document; NotSeenError when it ends or is not ready in time."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._ready_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND,
                "up",
                "--ready-file",
                str(self._ready_file),
                env=dict(env),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=dying_with_parent(signal.SIGTERM),
            )
        await until(
            lambda: self._ready_file.exists() or not self.running,
            expected="`friendstream up` to write its ready file",
            seen=lambda: tail(self.log),
            where=self.log,
            timeout=timeout,
        )
        if not self.running:
            seen = f"it ended with exit code {self.process.returncode}:\n{tail(self.log)}"
            raise NotSeenError("`friendstream up` to become ready", seen, self.log)
        self.ready = orjson.loads(self._ready_file.read_bytes())
        return self.ready

    async def stop(self) -> int | None:
        """Stop it as an operator does, by SIGTERM, by force if that takes too long; returns its exit code."""
        if self._process is None:
            return None
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        await _kill(self._process)
        return self._process.returncode

    async def kill(self) -> None:
        """End it as a crash does, by SIGKILL."""
        await _kill(self.process)


async def _kill(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
