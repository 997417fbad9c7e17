"""The supervisor over tiny Python children: restarted however they end, never left behind, stopped in order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runtime import process_table
from runtime.refusal import MISCONFIGURED, UNAVAILABLE, Refusal
from runtime.supervisor import BackOff, ChildSpec, Supervisor, document_says_ready

FAST = BackOff(first=0.01, longest=0.05)
CHILD = textwrap.dedent(
    """
    import json, os, pathlib, signal, sys, time
    home, name, *endings = sys.argv[1:]
    home = pathlib.Path(home)
    def note(word):
        with (home / "story").open("a") as story: story.write(f"{name} {word}\\n")
    def stop(*_):
        note("stopped"); sys.exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in endings else stop)
    note("started")
    endings = [ending for ending in endings if ending != "stubborn"]
    run = len([line for line in (home / "story").read_text().splitlines() if line == f"{name} started"])
    ending = endings[run - 1] if run <= len(endings) else "stay"
    if ending.startswith("exit"): sys.exit(int(ending[4:]))
    if ending.startswith("kill"): os.kill(os.getpid(), int(ending[4:]))
    (home / f"{name}.json").write_text(json.dumps({"pid": os.getpid(), "ready": True}))
    if ending.startswith("ready-exit"): time.sleep(0.3); sys.exit(int(ending[10:]))
    while True: time.sleep(60)
    """
)


class Tree:
    """What the children of one test say, and how they are made."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def child(self, name: str, *endings: str, after: tuple[str, ...] = (), **more: object) -> ChildSpec:
        argv = [sys.executable, "-c", CHILD, str(self.home), name, *endings]
        ready = document_says_ready(self.home / f"{name}.json")
        return ChildSpec(name, argv, {"PATH": os.environ["PATH"]}, ready, after=after, **more)  # type: ignore[arg-type]

    @property
    def story(self) -> list[str]:
        path = self.home / "story"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@asynccontextmanager
async def running(*children: ChildSpec) -> AsyncIterator[tuple[Supervisor, asyncio.Event, asyncio.Task[int]]]:
    supervisor, stop, ready = Supervisor(children, back_off=FAST), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(supervisor.run(stop, on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 30)
    yield supervisor, stop, task
    stop.set()
    await asyncio.wait_for(task, 30)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  another process makes it true
            await asyncio.sleep(0.02)


async def test_a_child_starts_when_the_one_it_waits_for_is_ready_and_stops_before_it(tree: Tree) -> None:
    prepared: list[list[str]] = []

    async def prepare() -> None:
        prepared.append(tree.story)

    async with running(
        tree.child("broker"),
        tree.child("fold", after=("broker",), prepare=prepare),
        tree.child("line", after=("broker",)),
    ):
        assert prepared == [["broker started"]] or prepared == [["broker started", "line started"]]
    assert tree.story[0] == "broker started"
    assert sorted(tree.story[1:3]) == ["fold started", "line started"]
    assert sorted(tree.story[3:5]) == ["fold stopped", "line stopped"]
    assert tree.story[5:] == ["broker stopped"]


async def test_a_child_is_started_again_however_it_ended(tree: Tree) -> None:
    async with running(tree.child("fold", "exit0", "exit70", "exit1", "kill9", "kill15", "ready-exit0")) as (
        _,
        __,
        task,
    ):
        await until(lambda: tree.story.count("fold started") == 7)
        assert not task.done()


async def test_a_killed_child_has_a_new_process_id_and_its_neighbour_keeps_its_own(tree: Tree) -> None:
    async with running(tree.child("fold"), tree.child("line")) as (supervisor, _, __):
        before = supervisor.pids
        os.kill(before["fold"], signal.SIGKILL)
        await until(lambda: supervisor.pids.get("fold", before["fold"]) != before["fold"])
        assert supervisor.pids["line"] == before["line"]


async def test_78_ends_everything_with_78(tree: Tree) -> None:
    children = [tree.child("fold"), tree.child("hubspot", "exit78", after=("fold",))]
    code = await asyncio.wait_for(Supervisor(children, back_off=FAST).run(asyncio.Event()), 30)
    assert code == MISCONFIGURED
    assert tree.story == ["fold started", "hubspot started", "fold stopped"]


async def test_other_fatal_codes_count_only_at_the_first_start(tree: Tree) -> None:
    first = frozenset({4})
    child = tree.child("broker", "exit4", fatal_at_first=first)
    assert await asyncio.wait_for(Supervisor([child], back_off=FAST).run(asyncio.Event()), 30) == 4
    async with running(tree.child("again", "ready-exit4", "exit4", fatal_at_first=first)):
        await until(lambda: tree.story.count("again started") == 3)


async def test_a_refusal_of_a_preparation_ends_everything(tree: Tree) -> None:
    async def prepare() -> None:
        raise Refusal(UNAVAILABLE, "kafka_unavailable", "Kafka did not answer.")

    children = [tree.child("broker"), tree.child("fold", after=("broker",), prepare=prepare)]
    with pytest.raises(Refusal, match="did not answer"):
        await asyncio.wait_for(Supervisor(children, back_off=FAST).run(asyncio.Event()), 30)
    assert tree.story == ["broker started", "broker stopped"]


async def test_a_child_that_does_not_stop_is_killed(tree: Tree) -> None:
    async with running(tree.child("fold", "stubborn", stop_seconds=0.3)) as (supervisor, _, __):
        pid = supervisor.pids["fold"]
    assert not process_table.is_alive(pid)


async def test_a_stop_during_the_start_leaves_nothing_behind(tree: Tree) -> None:
    stop = asyncio.Event()
    supervisor = Supervisor([tree.child("broker"), tree.child("fold", after=("broker",))], back_off=FAST)
    task = asyncio.create_task(supervisor.run(stop))
    await until(lambda: "broker" in supervisor.pids)
    pid = supervisor.pids["broker"]
    stop.set()
    assert await asyncio.wait_for(task, 30) == 0
    assert not process_table.is_alive(pid)
    assert supervisor.pids == {}


def test_children_die_with_their_supervisor() -> None:
    program = textwrap.dedent(
        """
        import asyncio, os, sys
        from runtime.supervisor import ChildSpec, Supervisor
        argv = [sys.executable, "-c", "import time; time.sleep(600)"]
        spec = ChildSpec("fold", argv, dict(os.environ), lambda pid: True)
        supervisor = Supervisor([spec])
        asyncio.run(supervisor.run(asyncio.Event(), on_ready=lambda: print(supervisor.pids["fold"], flush=True)))
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert process_table.is_alive(child)
    parent.kill()
    parent.wait()
    asyncio.run(until(lambda: not process_table.is_alive(child)))


def test_waiting_for_a_later_child_is_a_mistake_of_the_caller(tree: Tree) -> None:
    with pytest.raises(ValueError, match="fold waits"):
        Supervisor([tree.child("fold", after=("broker",)), tree.child("broker")])
