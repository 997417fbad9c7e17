"""Reads dead letters from the log, for pages.

Law: bounded work, and not in the fold's event loop: a thread with a loop of its own reads the newest records, one
reader at a time.
"""

from __future__ import annotations

import asyncio

from aiokafka.errors import KafkaError

from runtime.letter_log import LetterRead, read_letters

NEWEST = 2_000  # records looked at, of each partition


class LetterReader:
    """Call it for the newest letters; raises TimeoutError after `timeout` seconds, OSError when Kafka is away."""

    def __init__(self, brokers: str, *, newest: int = NEWEST, timeout: float = 20.0) -> None:
        self._brokers = brokers
        self._newest = newest
        self._timeout = timeout
        self._one_at_a_time = asyncio.Semaphore(1)

    async def __call__(self) -> LetterRead:
        """The letters of every partition."""
        async with self._one_at_a_time:
            reading = asyncio.to_thread(asyncio.run, read_letters(self._brokers, newest=self._newest))
            try:
                return await asyncio.wait_for(reading, self._timeout)
            except KafkaError as trouble:
                raise OSError(type(trouble).__name__) from trouble
