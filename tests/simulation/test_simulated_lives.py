"""The simulation itself: its first lives, its being the same every time, and its finding of planted bugs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.planted import BUGS

ROOT = Path(__file__).parents[2]
QUICK = 24
BOUND = 150


def simulate(*asked: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the order of sets belongs to a seed, and a planted bug stays where it is."""
    command = [sys.executable, "-m", "tests.simulation", *asked]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)


def test_the_first_lives_break_no_law():
    ended = simulate("--seeds", str(QUICK), "--jobs", "1")
    assert ended.returncode == 0, ended.stdout


def test_a_seed_lives_the_same_life_twice():
    assert simulate("--seed", "7").stdout == simulate("--seed", "7").stdout


@pytest.mark.long
@pytest.mark.parametrize("bug", sorted(BUGS))
def test_a_planted_bug_is_found_within_a_bounded_number_of_lives(bug: str):
    ended = simulate("--planted", bug, "--seeds", str(BOUND))
    assert ended.returncode == 0, ended.stdout + ended.stderr
