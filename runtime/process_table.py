"""What the operating system says about other processes, and the tie of a child to its parent.

Law: a process id alone proves nothing, for ids are given again; who a process is follows from its start time or its
command line. Without /proc (not Linux) only "there is such a process" is known.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def start_time(pid: int) -> int | None:
    """When the process began, in the kernel's ticks since boot; None when it is gone, dead, or not to be seen."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])


def is_alive(pid: int, started: int | None = None) -> bool:
    """Whether the process lives; with `started`, whether it is still that one and not a later owner of its id."""
    if Path("/proc/self/stat").exists():
        found = start_time(pid)
        return found is not None and started in (None, found)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_line(pid: int) -> list[str]:
    """The arguments of the process; empty when they cannot be seen."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [part.decode(errors="replace") for part in raw.split(b"\0") if part]


def dying_with_parent(number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """A preexec_fn: the child gets this signal when the *thread* that forked it ends; None where that cannot be had.

    So start children from a thread that lives as long as the process: the main thread.
    """
    if not Path("/proc/self/stat").exists():
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def tie() -> None:  # runs between fork and exec: nothing here may allocate much, import, or take a lock
        libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the tie was made
            os._exit(1)

    return tie
