"""What every test of chaos is told: a seed that repeats it, how many blows, where figures are printed.

`make chaos ARGS="-k kills --chaos-seed 123"` repeats a run; `--blows N` sets how often test_kills strikes,
`--friends N` how many people test_order has.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cli.demo_world.world import World

PARTITIONS = 4

Tell = Callable[[str, Mapping[str, object]], None]
MakeWorld = Callable[..., World]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--chaos-seed", type=int, help="The seed of every choice; a new one each run without it.")
    group.addoption("--blows", type=int, help="How many blows test_kills strikes.")
    group.addoption("--friends", type=int, help="How many friends test_order has.")


@pytest.fixture(scope="session")
def chaos_seed(request: pytest.FixtureRequest) -> int:
    given = request.config.getoption("--chaos-seed", default=None)
    return random.randrange(1, 1_000_000) if given is None else int(given)


@pytest.fixture
def chance(chaos_seed: int, tell: Tell, request: pytest.FixtureRequest) -> random.Random:
    """The one source of choices of a test; says how to repeat them."""
    target = "soak" if request.node.get_closest_marker("soak") else "chaos"
    tell("repeat with", {f"make {target}": f'ARGS="-k {request.node.name} --chaos-seed {chaos_seed}"'})
    return random.Random(f"{request.node.name}:{chaos_seed}")


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Prints figures beside pytest's own output, captured or not."""
    manager = request.config.pluginmanager
    reporter, capture = manager.getplugin("terminalreporter"), manager.getplugin("capturemanager")

    def say(title: str, figures: Mapping[str, object]) -> None:
        line = f"{request.node.name}: {title}: " + ", ".join(f"{name} {value}" for name, value in figures.items())
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.ensure_newline()
                reporter.write_line(line)

    return say


@pytest.fixture
def make_world(tmp_path: Path, chaos_seed: int) -> MakeWorld:
    """A World whose `up` was not started yet; the caller enters it."""

    def make(data_dir: Path | None = None, **settings: object) -> World:
        return World(data_dir or tmp_path / "world", seed=chaos_seed, settings={"partitions": PARTITIONS, **settings})

    return make
