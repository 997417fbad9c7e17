"""Kills, freezes and changes of hands under load, on all three topics: nothing lost, nothing wrong, nobody stuck."""

from __future__ import annotations

import signal
from typing import Any

import pytest

pytestmark = pytest.mark.long

FRIENDS = [f"U{number:032x}" for number in range(300)]
EVERY = {0, 1, 2, 3}


async def busy(worker: Any, until: Any, records: int = 300) -> None:
    """The worker is in the middle of its work: so many records more than now are done."""
    await until(worker.ready)
    before = worker.flow()["sent"]
    await until(lambda: worker.flow()["sent"] >= before + records)


async def all_is_right(world: Any, until: Any) -> None:
    await until(world.settled)
    assert await world.lost() == []
    assert await world.wrong() == []


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_killed_while_busy(world: Any, start_worker: Any, until: Any, answering: None, store: str) -> None:
    """kill -9 in the middle of the work, twice; the third start finishes it."""
    async with world.talking(FRIENDS):
        for _ in range(2):
            worker = start_worker("a", store=store)
            await busy(worker, until)
            await worker.kill()
        worker = start_worker("a", store=store)
        await busy(worker, until)
    await all_is_right(world, until)
    flow = worker.flow()
    assert flow["received"] == flow["sent"] + sum(flow["discarded"].values()) + flow["in_flight"]
    assert await worker.stop() == 0


async def test_workers_come_and_go(world: Any, start_worker: Any, until: Any, answering: None) -> None:
    """A second worker joins, the first is stopped, comes back, and the second is killed: over three topics."""
    async with world.talking(FRIENDS):
        first = start_worker("a")
        await busy(first, until)
        second = start_worker("b")
        await busy(second, until)
        await until(lambda: shared(first, second))
        assert await first.stop() == 0
        await busy(second, until)
        first = start_worker("a")
        await busy(first, until)
        await until(lambda: shared(first, second))
        await second.kill()
        await until(lambda: set(first.flow()["partitions"]) == EVERY)
        await busy(first, until)
    await all_is_right(world, until)


async def test_frozen_past_its_session_while_busy(world: Any, start_worker: Any, until: Any, answering: None) -> None:
    """The other worker takes over; the frozen one wakes up, and ends by its lease or joins again."""
    async with world.talking(FRIENDS):
        first, second = start_worker("a"), start_worker("b")
        await busy(first, until)
        await busy(second, until)
        await until(lambda: shared(first, second))
        first.signal(signal.SIGSTOP)
        await until(lambda: set(second.flow()["partitions"]) == EVERY)
        await busy(second, until)
        first.signal(signal.SIGCONT)
        await busy(second, until)
        if first.process.poll() is not None:
            assert first.process.returncode == 70
    await all_is_right(world, until)


def shared(first: Any, second: Any) -> bool:
    """Each partition number is at exactly one of the two."""
    owned = [set(worker.flow()["partitions"]) for worker in (first, second)]
    return owned[0] | owned[1] == EVERY and not owned[0] & owned[1] and all(owned)
