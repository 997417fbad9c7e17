"""A real fold worker in a process of its own, with single laws switched off by name.

Usage: worker_entry.py [switch ...]. The product has no such switches: each one patches what it turns off.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from processors import app as fold_app
from processors import fold_run, state_table, worker
from processors.bulk_recovery import BulkRecovery
from processors.fold_agent import FoldAgent
from processors.hardening import HardenedApp, LaneConsumer
from processors.start_guard import allow_start
from runtime.brokers import resolve
from runtime.lease import Lease
from runtime.logs import configure
from runtime.refusal import Refusal
from runtime.settings import Settings
from web.ledger import LedgerReader
from web.letter_log import LetterReader
from web.pages import make_pages

SLOW_SECONDS = 3.0
WIDE_SECONDS = 2.0
BUSY_SECONDS = 0.3
_handle = FoldAgent.handle
_turn = fold_run.turn


def without_flow_order() -> None:
    """Recovery seeks while the flow runs, and clears the queues afterwards."""
    BulkRecovery.on_recovery_completed = _stock_order  # type: ignore[method-assign]


async def _stock_order(self: Any, generation_id: int = 0) -> None:
    await super(BulkRecovery, self).on_recovery_completed(generation_id)
    for tell in self.app.recovered:
        await tell()


def without_watermark() -> None:
    """The newest acknowledged run is committed, whatever lies before it."""

    def newest(self: Any, tp: Any) -> int | None:
        acked = self._acked[tp]
        end = max(acked) + 1 if acked else None
        acked.clear()
        return end

    LaneConsumer._new_offset = newest  # type: ignore[method-assign]


def with_wide_window() -> None:
    """Between seek and clearing there is time, as with many partitions: until something waits in a queue."""
    seek = LaneConsumer.perform_seek

    async def slowly(self: Any) -> None:
        await seek(self)
        for _ in range(int(WIDE_SECONDS * 20)):
            if any(queue.qsize() for queue in self.app.flow_control._queues):
                return
            await asyncio.sleep(0.05)

    LaneConsumer.perform_seek = slowly  # type: ignore[method-assign]


def with_busy_runs() -> None:
    """A run takes a while, so that others wait in the queue behind it."""

    async def busily(self: Any, topic: str, partition: int, records: list[Any]) -> None:
        await asyncio.sleep(BUSY_SECONDS)
        await _handle(self, topic, partition, records)

    FoldAgent.handle = busily  # type: ignore[method-assign]


def without_lock() -> None:
    """Runs of one partition number interleave."""

    async def fold(self: Any, stream: Any) -> None:
        async for run_ in stream.noack().events():
            await self.handle(run_.message.topic, run_.message.partition, run_.value)
            run_.ack()

    FoldAgent.fold = fold  # type: ignore[method-assign]


def with_actors() -> None:
    """One actor for each partition of each topic: the locks are what keeps them apart."""
    agent = HardenedApp.agent

    def isolated(self: Any, channel: Any, **options: Any) -> Any:
        return agent(self, channel, **(options | {"isolated_partitions": True}))

    HardenedApp.agent = isolated  # type: ignore[method-assign]


def without_overruling() -> None:
    """Foreign rows are noticed and believed."""

    async def believe(self: Any, appender: Any, partition: int, first: int, last: int, ours: Any) -> int:
        return last

    state_table.StateTable._overrule = believe  # type: ignore[method-assign]


def without_lease() -> None:
    """Whoever may have lost its partitions writes on, and is not overruled by itself."""
    Lease.check = lambda self: None  # type: ignore[method-assign]
    without_overruling()


def without_exit() -> None:
    """An exception in the agent is handled as stock Faust does."""
    HardenedApp._on_agent_error = fold_app.HardenedApp.__mro__[1]._on_agent_error  # type: ignore[attr-defined]


def without_ack_order() -> None:
    """A run is acknowledged before anything of it is written."""

    async def fold(self: Any, stream: Any) -> None:
        async for run_ in stream.noack().events():
            run_.ack()
            await self.handle(run_.message.topic, run_.message.partition, run_.value)

    FoldAgent.fold = fold  # type: ignore[method-assign]


def with_slow_runs() -> None:
    """A run takes seconds, between reading its rows and writing anything."""

    async def slowly(self: Any, topic: str, partition: int, records: list[Any]) -> None:
        gather = asyncio.gather

        async def late(*sends: Any) -> Any:
            await asyncio.sleep(SLOW_SECONDS)
            return await gather(*sends)

        asyncio.gather = late
        try:
            await _handle(self, topic, partition, records)
        finally:
            asyncio.gather = gather

    FoldAgent.handle = slowly  # type: ignore[method-assign]


def with_failing_io() -> None:
    """An exception of the shell, on a run that holds the word BROKEN."""

    async def failing(self: Any, topic: str, partition: int, records: list[Any]) -> None:
        if any(b"BROKEN" in (record.value or b"") for record in records):
            self._counters.taken_up(len(records))
            raise OSError("planted")
        await _handle(self, topic, partition, records)

    FoldAgent.handle = failing  # type: ignore[method-assign]


def with_bug() -> None:
    """The pure turn raises on the word BOOM."""

    def turn(friend: str, state: Any, items: Any, **options: Any) -> Any:
        for item in items:
            if getattr(item.record, "event", {}).get("message", {}).get("text") == "BOOM":
                raise RuntimeError("planted")
        return _turn(friend, state, items, **options)

    fold_run.turn = turn


def with_quick_rolls() -> None:
    """What is done every hour is done every second."""
    fold_app.segment_roll.EVERY_SECONDS = 1.0


def with_little_patience() -> None:
    """Kafka is waited for one second only."""
    worker.allow_start = lambda brokers: allow_start(brokers, patience=1.0)


SWITCHES = {
    name.replace("_", "-"): value for name, value in globals().items() if name.startswith(("with_", "without_"))
}

if __name__ == "__main__":
    for switch in sys.argv[1:]:
        SWITCHES[switch]()
    settings = Settings.load()
    configure(settings, "fold")
    brokers = resolve(settings)
    try:
        ledger, letters = LedgerReader(brokers), LetterReader(brokers)
        sys.exit(worker.run(settings, brokers, lambda view: make_pages(settings, view, ledger, letters)))
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(refusal.exit_code)
