"""The newest rows of one partition of friends.v1.

Law: the topic is the only source. Of each friend only the offset of the newest row is kept in memory; the rows are read
a second time, one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from runtime.log_reader import read_log
from schemas.topics import FRIENDS

_BREATH = 256  # so many records are read before others have their turn


class Rows:
    """Knows the newest row of every friend of a partition as of the last `catch_up`."""

    def __init__(self, brokers: str, partition: int) -> None:
        self._brokers, self.partition = brokers, partition
        self._newest: dict[bytes, int] = {}
        self.end = 0

    async def catch_up(self) -> None:
        """Learn what was written since."""
        start, read = {self.partition: self.end}, 0
        async with aclosing(self._records(start)) as records:
            async for key, offset, value in records:
                self.end = offset + 1
                if value is None:
                    self._newest.pop(key, None)
                else:
                    self._newest[key] = offset
                read += 1
                if read % _BREATH == 0:
                    await asyncio.sleep(0)

    def is_newest(self, key: bytes, offset: int) -> bool:
        """Whether a friend has no newer row than this one."""
        return self._newest.get(key) == offset

    async def newest(self) -> AsyncGenerator[tuple[bytes, int, bytes], None]:
        """Key, offset and row of every friend, as they are reached."""
        async with aclosing(self._records({self.partition: 0})) as records:
            read = 0
            async for key, offset, value in records:
                if value is not None and self.is_newest(key, offset):
                    yield key, offset, value
                read += 1
                if read % _BREATH == 0:
                    await asyncio.sleep(0)

    async def _records(self, start: dict[int, int]) -> AsyncGenerator[tuple[bytes, int, bytes | None], None]:
        async with aclosing(
            read_log(self._brokers, FRIENDS.name, partitions=[self.partition], start=start)  # type: ignore[type-var]  # an async generator
        ) as records:
            async for record in records:
                if record.key is not None:
                    yield record.key, record.offset, record.value
