"""The lock on a data directory: one owner, and a left-over process is ended only when it is surely ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime import process_table
from runtime.data_dir_lock import DataDirLock, mark_of
from runtime.process import read_document, write_document
from runtime.refusal import Refusal

NOBODY = 2**22 + 1  # above the largest process id


def _left_over(lock: DataDirLock, *arguments: str) -> subprocess.Popen[bytes]:
    """A process that holds the lock's descriptor, as the JVM does, and says that it does."""
    program = "import sys, time; print(flush=True); time.sleep(600)"
    argv = [sys.executable, "-c", program, *arguments]
    child = subprocess.Popen(argv, pass_fds=(lock.descriptor,), stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def _pretend_that_the_owner_died(home: Path, jvm: int) -> None:
    write_document(home / "owner.json", {"pid": NOBODY, "started": 1, "jvm": jvm})


def test_a_second_owner_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = DataDirLock(tmp_path), DataDirLock(tmp_path)
    first.acquire()
    with pytest.raises(Refusal, match="Another friendstream"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_left_over_child_of_a_dead_owner_is_ended(tmp_path: Path) -> None:
    lock = DataDirLock(tmp_path)
    lock.acquire()
    child = _left_over(lock, mark_of(tmp_path))
    lock.release()
    _pretend_that_the_owner_died(tmp_path, child.pid)
    again = DataDirLock(tmp_path)
    again.acquire()
    assert not process_table.is_alive(child.pid)
    assert (read_document(tmp_path / "owner.json") or {})["jvm"] is None
    again.release()
    child.wait()


def test_a_process_without_our_mark_is_never_touched(tmp_path: Path) -> None:
    lock = DataDirLock(tmp_path)
    lock.acquire()
    child = _left_over(lock)
    lock.release()
    _pretend_that_the_owner_died(tmp_path, child.pid)
    with pytest.raises(Refusal):
        DataDirLock(tmp_path).acquire(patience=0.2)
    assert process_table.is_alive(child.pid)
    child.kill()
    child.wait()
