"""Each law of the shell, switched on and off: on it holds, off the same trouble is seen to do its damage."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from runtime.appender import partition_of
from runtime.log_reader import committed
from schemas import topics
from schemas.codec import encode
from schemas.friends import FriendState

pytestmark = pytest.mark.long

PARTITIONS = 4


def friend_in(partition: int, start: int = 0) -> str:
    """A friend who lives in this partition."""
    ids = (f"U{number:032x}" for number in range(start, start + 1000))
    return next(friend for friend in ids if partition_of(friend.encode(), PARTITIONS) == partition)


async def in_hand(worker: Any, until: Any) -> None:
    """The worker has taken up a run and not finished it."""
    await until(lambda: worker.flow()["in_flight"] > 0)


def caught_up(world: Any, worker: Any) -> Any:
    async def done() -> bool:
        return worker.ready() and await world.behind() == 0

    return done


@pytest.mark.parametrize("law", [True, False], ids=["on", "off"])
async def test_a_run_is_acknowledged_last(world: Any, start_worker: Any, until: Any, law: bool) -> None:
    """Killed between taking a run up and writing anything of it: it is folded after the restart, or lost."""
    worker = start_worker("a", "with-slow-runs", *([] if law else ["without-ack-order"]))
    await until(worker.ready)
    await world.tell((friend_in(1), "hello"))
    await in_hand(worker, until)
    if not law:

        async def acknowledged() -> bool:
            return 1 in (await committed(world.brokers, topics.FOLD_GROUP)).values()

        await until(acknowledged)
    await worker.kill()
    again = start_worker()
    await until(again.ready)
    await until(caught_up(world, again))
    assert bool(await world.lost()) is not law


@pytest.mark.parametrize("law", [True, False], ids=["on", "off"])
async def test_an_exception_ends_the_process_before_the_run_is_acknowledged(
    world: Any, start_worker: Any, until: Any, law: bool
) -> None:
    """With the law: exit 70, and the run is folded after the restart. Without: alive, and the run is passed over."""
    switches = ["with-failing-io", *([] if law else ["without-exit", "without-watermark"])]
    worker = start_worker("a", *switches)
    await until(worker.ready)
    await world.tell((friend_in(1), "BROKEN"))
    if law:
        assert await worker.ended() == 70
        assert "an agent raised OSError" in worker.said()
        worker = start_worker()
        await until(worker.ready)
        await until(caught_up(world, worker))
        assert await world.lost() == []
        return
    await until(lambda: worker.flow()["received"] == 1)
    await world.tell((friend_in(1), "next"))
    await until(caught_up(world, worker))
    assert len(await world.lost()) == 1


@pytest.mark.parametrize("law", [True, False], ids=["on", "off"])
async def test_a_stale_row_of_a_zombie_is_overruled(world: Any, start_worker: Any, until: Any, law: bool) -> None:
    """Somebody who lost the partition writes an old row; the owner notices at its next append."""
    victim, other = friend_in(1), friend_in(1, start=5000)
    worker = start_worker("a", *([] if law else ["without-overruling"]))
    await until(worker.ready)
    await world.tell((victim, "hello"))
    await until(caught_up(world, worker))
    true_row = (await world.rows())[victim.encode()]
    stale = encode(FriendState(friend=victim, revision=1))
    await world.appender.append(topics.FRIENDS.name, 1, [(victim.encode(), stale, [])])
    await world.tell((other, "hello"))
    await until(caught_up(world, worker))
    assert (worker.flow()["overruled"] > 0) is law
    await worker.kill()
    again = start_worker()
    await until(again.ready)
    assert ((await world.rows())[victim.encode()] == true_row) is law
    assert ("sent" in again.get(f"/api/v1/friends/{victim}")["state"]) is law


@pytest.mark.parametrize("law", [True, False], ids=["on", "off"])
async def test_two_topics_runs_of_one_partition_do_not_interleave(
    world: Any, start_worker: Any, until: Any, answering: None, law: bool
) -> None:
    """One actor for each topic and partition, few friends, many events: without the lock, rows are read too early."""
    friends = [f"U{number:032x}" for number in range(8)]
    worker = start_worker("a", "with-actors", *([] if law else ["without-lock", "without-overruling"]))
    await until(worker.ready)
    async with world.talking(friends, at_once=8):
        await until(lambda: worker.flow()["sent"] > 1500)
    if law:
        await until(world.settled)
        assert await world.repeated() == []
        assert await world.wrong() == []
        assert await world.lost() == []
    else:
        await until(caught_up(world, worker))
        assert await world.repeated()


@pytest.mark.parametrize("law", ["all", "order off", "order and watermark off"])
async def test_the_flow_is_stopped_while_recovery_seeks(
    world: Any, start_worker: Any, until: Any, answering: None, law: str
) -> None:
    """A second worker joins under load. What is fetched between the seek and the clearing of the queues is thrown away.

    With stock's order the strict watermark never commits past it: the worker exits at the hole, or stands still before
    it. Without both, records are passed over in silence.
    """
    off = {"all": [], "order off": ["without-flow-order"]}.get(law, ["without-flow-order", "without-watermark"])
    friends = [f"U{number:032x}" for number in range(200)]
    first = start_worker("a", "with-wide-window", "with-busy-runs", *off)
    await until(first.ready)
    async with world.talking(friends):
        await until(lambda: first.flow()["sent"] > 0)
        second = start_worker("b", "with-wide-window", "with-busy-runs", *off)
        await until(lambda: second.document().get("ready") or second.process.poll() is not None)
    await world.tell(*[(f"U{number:032x}", "after") for number in range(500, 560)])  # a hole shows when reading goes on

    async def stands_still() -> bool:
        before = await world.decided()
        await asyncio.sleep(3)  # ten times as long as a run takes
        return before == await world.decided()

    if law == "all":
        await until(world.settled)
        assert (first.ready(), second.ready()) == (True, True)
        assert await world.lost() == []
    elif law == "order off":
        await until(stands_still)
        done = {(tp.topic, tp.partition): at for tp, at in (await committed(world.brokers, topics.FOLD_GROUP)).items()}
        lost = await world.lost()
        assert lost
        assert all(offset >= done.get((topic, partition), 0) for topic, partition, offset in lost)
        if 70 in (first.process.poll(), second.process.poll()):
            assert "was never handled" in first.said() + second.said()
    else:
        await until(stands_still)
        assert await world.lost()
        assert (first.ready(), second.ready()) == (True, True)


@pytest.mark.parametrize("law", [True, False], ids=["on", "off"])
async def test_who_was_frozen_past_its_session_does_not_write(
    world: Any, start_worker: Any, until: Any, law: bool
) -> None:
    """Frozen in the middle of a turn; the partition goes to another worker, who folds the same run; it wakes up."""
    frozen = start_worker("a", "with-slow-runs", *([] if law else ["without-lease"]), session_seconds=4)
    await until(frozen.ready)
    await world.tell((friend_in(1), "hello"))
    await in_hand(frozen, until)
    frozen.signal(signal.SIGSTOP)
    heir = start_worker("b", session_seconds=4)
    await until(heir.ready)
    await until(caught_up(world, heir))
    assert sum((await world.decided()).values()) == 1
    frozen.signal(signal.SIGCONT)
    if law:
        assert await frozen.ended() == 70
        assert "lease lost" in frozen.said()
        assert sum((await world.decided()).values()) == 1
        assert await world.repeated() == []
    else:

        async def wrote() -> bool:
            return bool(await world.repeated())

        await until(wrote)
