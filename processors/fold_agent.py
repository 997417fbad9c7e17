"""The one Faust agent, over every topic that can change a friend.

Laws
1. Topics share keys and partition count, so one worker owns partition p of all of them and of the table's changelog.
2. Emit, await the acks; append the states, await the acks; apply; acknowledge the run. Never another order.
3. One lock per partition number, from reading the rows to applying them: two topics' runs of one number never
   interleave.
4. No exception is handled here. What is wrong with one record is data (a dead letter); anything else ends the process
   before the run is acknowledged.

One actor serves all partitions (not isolated): on one broker that is as fast and takes half the memory. The locks stay:
whoever changes a friend outside the agent takes them, too, and isolation can be switched on without a second thought.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from domain.policy import FoldPolicy
from processors.flow import FlowCounters
from processors.fold_run import RunFolder
from processors.state_table import StateTable
from runtime.appender import Appender
from runtime.clock import monotonic
from schemas import topics


class FoldAgent:
    """Folds runs into the table; `now` gives the time in ms."""

    def __init__(
        self, table: StateTable, appender: Appender, policy: FoldPolicy, counters: FlowCounters, now: Callable[[], int]
    ) -> None:
        self._table = table
        self._appender = appender
        self._policy = policy
        self._counters = counters
        self._now = now
        self.locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def fold(self, stream: Any) -> None:
        """The agent's body: an endless stream of runs."""
        async for run in stream.noack().events():
            partition = run.message.partition
            async with self.locks[partition]:
                await self.handle(run.message.topic, partition, run.value)
            run.ack()

    async def handle(self, topic: str, partition: int, records: list[Any]) -> None:
        """Everything that follows from one run, acknowledged by Kafka, then visible here."""
        began = monotonic()
        self._counters.taken_up(len(records))
        read_row = self._table.rows(partition)
        out = RunFolder(topic, partition, read_row, now=self._now(), policy=self._policy).fold(records)
        append = self._appender.append
        await asyncio.gather(
            append(topics.CHANGES.name, partition, out.changes),
            append(topics.REQUESTS.name, partition, out.requests),
            append(topics.DECISIONS.name, partition, out.decisions),
            append(topics.DEAD_LETTERS.name, partition, out.dead),
        )
        last = await self._table.append(self._appender, partition, out.states)
        self._table.apply(partition, out.states, last)
        changes, requests = len(out.changes) - out.forgotten, len(out.requests)
        seconds = monotonic() - began
        self._counters.done(len(records), out.discarded, changes=changes, requests=requests, seconds=seconds)
