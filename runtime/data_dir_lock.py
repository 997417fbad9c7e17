"""One Kafka node per data directory.

Law: the lock is an flock that the JVM holds, too (it inherits the descriptor), so it is free exactly when neither the
owner nor a left-over JVM lives. A left-over JVM, whose owner is gone, is ended; it is known by its command line, never
by its id alone. Ending it loses nothing: what it acknowledged is in the file system.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import IO, Any

from runtime import process_table
from runtime.clock import monotonic
from runtime.process import read_document, write_document
from runtime.refusal import REFUSED, Refusal


def mark_of(home: Path) -> str:
    """The JVM argument that says whose Kafka this is."""
    return f"-Dfriendstream.home={home.resolve()}"


class DataDirLock:
    """The exclusive right to run Kafka in `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._document = home / "owner.json"
        self._file: IO[bytes] | None = None

    @property
    def descriptor(self) -> int:
        """To be handed to the JVM, which keeps the lock as long as it lives."""
        assert self._file is not None
        return self._file.fileno()

    def acquire(self, patience: float = 10.0) -> None:
        """Take the lock; ends a left-over JVM first. Refusal 4 when a living friendstream has it."""
        self._home.mkdir(parents=True, exist_ok=True)
        file = (self._home / "lock").open("ab")
        if not _try_lock(file) and not (self._owner_is_gone() and self._take_from_orphan(file, patience)):
            file.close()
            raise self._held()
        self._file = file
        self.note(None)

    def note(self, jvm: int | None) -> None:
        """Write down who holds the lock: this process, and its JVM once it runs."""
        own = os.getpid()
        write_document(self._document, {"pid": own, "started": process_table.start_time(own), "jvm": jvm})

    def release(self) -> None:
        """Give the lock up; a JVM that still lives keeps it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _owner(self) -> dict[str, Any]:
        return read_document(self._document) or {}

    def _owner_is_gone(self) -> bool:
        pid = self._owner().get("pid")
        return isinstance(pid, int) and not process_table.is_alive(pid, self._owner().get("started"))

    def _take_from_orphan(self, file: IO[bytes], patience: float) -> bool:
        """Wait for the JVM whose owner is gone, end it when it is ours; whether the lock is taken now."""
        began, sent = monotonic(), 0
        while monotonic() - began < patience:
            if _try_lock(file):
                return True
            sent = self._end_orphan(sent, monotonic() - began > patience / 2)
            time.sleep(0.05)
        return False

    def _end_orphan(self, sent: int, impatient: bool) -> int:
        jvm = self._owner().get("jvm")
        if not isinstance(jvm, int) or mark_of(self._home) not in process_table.command_line(jvm):
            return sent
        wanted = signal.SIGKILL if impatient else signal.SIGTERM
        if sent != wanted:
            os.kill(jvm, wanted)
        return wanted

    def _held(self) -> Refusal:
        pid = self._owner().get("pid")
        who = f"process {pid}" if isinstance(pid, int) else "another process"
        return Refusal(
            REFUSED,
            "data_dir_in_use",
            f"Another friendstream is running Kafka in this data directory: {who}.",
            where=str(self._home.parent),
            next_step="use that one, end it, or give this one its own FRIENDSTREAM_DATA_DIR",
        )


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
