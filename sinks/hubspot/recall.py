"""Reading the sink's own outcomes back at assignment.

Law: everything written since the commit is read, and at least one hour of it: what was answered after the first
uncommitted change arrived cannot be older than that change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition

from runtime.clock import now_ms
from runtime.log_reader import read_log
from schemas.codec import Unreadable
from schemas.outcomes import read_outcome
from schemas.topics import OUTCOMES
from sinks.hubspot.memory import HOUR_MS, Memory

_SKEW_MS = 2 * HOUR_MS  # the clocks of the roles may differ, and jump


class Recall:
    """How far back (ms) each partition has been read into the memory."""

    def __init__(self, brokers: str, memory: Memory) -> None:
        self._brokers, self._memory = brokers, memory
        self._since: dict[int, int] = {}
        self._begun: set[int] = set()

    def clear(self) -> None:
        """Forget which partitions were read."""
        self._since.clear()
        self._begun.clear()

    async def last_hour(self, consumer: Any, partitions: Iterable[int]) -> None:
        """Remember the last hour of partitions just assigned."""
        hour_ago = now_ms() - HOUR_MS
        await self._read_since(consumer, {p: hour_ago for p in partitions if p not in self._since})

    async def since_commit(self, consumer: Any, first: dict[int, int]) -> None:
        """Given the time of the first record read from each partition: remember all since the first one of all."""
        begun = {p: max(0, at - _SKEW_MS) for p, at in first.items() if p not in self._begun}
        self._begun.update(begun)
        await self._read_since(
            consumer, {p: at for p, at in begun.items() if p not in self._since or at < self._since[p]}
        )

    async def _read_since(self, consumer: Any, since: dict[int, int]) -> None:
        if not since:
            return
        self._since.update(since)
        times = {TopicPartition(OUTCOMES.name, partition): at for partition, at in since.items()}
        found = await consumer.offsets_for_times(times)
        start = {tp.partition: where.offset for tp, where in found.items() if where is not None}
        if start:
            await self._read_from(start)

    async def _read_from(self, start: dict[int, int]) -> None:
        partitions: Iterable[int] = start
        async for record in read_log(self._brokers, OUTCOMES.name, partitions=partitions, start=start):
            try:
                self._memory.note(read_outcome(record.value or b""))
            except Unreadable:
                continue  # the fold makes a dead letter of it
