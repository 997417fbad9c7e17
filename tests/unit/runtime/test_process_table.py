"""Who a process is."""

from __future__ import annotations

import os
import subprocess
import sys

from runtime import process_table


def test_this_process_lives_and_is_known_by_its_start() -> None:
    started = process_table.start_time(os.getpid())
    assert started is not None
    assert process_table.is_alive(os.getpid())
    assert process_table.is_alive(os.getpid(), started)
    assert not process_table.is_alive(os.getpid(), started + 1)


def test_a_dead_child_that_nobody_waited_for_does_not_count_as_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table
    assert not process_table.is_alive(child.pid)
    child.wait()


def test_the_command_line_is_seen_as_arguments() -> None:
    child = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()", "a b"], stdin=-1, stdout=-1)
    assert child.stdout is not None
    child.stdout.readline()
    assert process_table.command_line(child.pid)[-1] == "a b"
    child.communicate(b"\n")
    assert process_table.command_line(2**22 + 1) == []
