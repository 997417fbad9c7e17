"""Lets compaction reach what was erased, also where nothing else is written.

Law: Kafka never compacts the segment it writes to, and begins a new one only at an append. In a quiet partition a text
would stay readable behind its own erasure for as long as nobody speaks. So each partition of the two compacted topics
gets one record an hour that says nothing new: a row as it is, and an empty change of nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from processors import row_store
from processors.state_table import StateTable
from runtime.appender import Appender
from schemas import topics

EVERY_SECONDS = 3600.0  # the age at which a segment of theirs is closed


class SegmentRoll:
    """Call it now and then; `owned` gives the partitions of this worker, `locks` are those of the fold."""

    def __init__(
        self,
        table: StateTable,
        appender: Appender,
        locks: Mapping[int, asyncio.Lock],
        owned: Callable[[], set[int]],
    ) -> None:
        self._table = table
        self._appender = appender
        self._locks = locks
        self._owned = owned

    async def __call__(self) -> None:
        """One record to each partition of friends.v1 and contact.changes.v1 that has rows here."""
        for partition in sorted(self._owned()):
            async with self._locks[partition]:
                if partition in self._owned():  # a rebalance may have come while we waited
                    await self._touch(partition)

    async def _touch(self, partition: int) -> None:
        key = row_store.any_key(self._table.data, partition)
        row = None if key is None else self._table.rows(partition)(key)
        if key is None or row is None:
            return
        same = [(key, row)]
        self._table.apply(partition, same, await self._table.append(self._appender, partition, same))
        await self._appender.append(topics.CHANGES.name, partition, [(topics.NOBODY, None, [])])
