"""Reads a friend's ledger from the log: decisions and outcomes share key and partition.

Law: bounded work, and not in the fold's event loop: a thread with a loop of its own reads the newest records of one
partition, one reader at a time.
"""

from __future__ import annotations

import asyncio

from aiokafka.errors import KafkaError

from runtime.letter_log import read_letters
from runtime.log_reader import end_offsets, read_log
from schemas import topics
from schemas.codec import Unreadable
from schemas.decisions import DecisionRecord, read_decision
from schemas.outcomes import Outcome, read_outcome
from web.protocols import Ledger

NEWEST = 50_000  # records looked at, of each topic
NEWEST_LETTERS = 2_000  # these may be large


class LedgerReader:
    """Call it with friend and partition; raises TimeoutError after `timeout` seconds, OSError when Kafka is away."""

    def __init__(self, brokers: str, *, newest: int = NEWEST, timeout: float = 20.0) -> None:
        self._brokers = brokers
        self._newest = newest
        self._timeout = timeout
        self._one_at_a_time = asyncio.Semaphore(1)

    async def __call__(self, friend: str, partition: int) -> Ledger:
        """The ledger of one friend."""
        async with self._one_at_a_time:
            reading = asyncio.to_thread(asyncio.run, self._read(friend, partition))
            try:
                return await asyncio.wait_for(reading, self._timeout)
            except KafkaError as trouble:
                raise OSError(type(trouble).__name__) from trouble

    async def _read(self, friend: str, partition: int) -> Ledger:
        decided, first = await self._values(topics.DECISIONS.name, friend.encode(), partition)
        answered, first_answer = await self._values(topics.OUTCOMES.name, friend.encode(), partition)
        letters = await read_letters(self._brokers, partitions=[partition], newest=NEWEST_LETTERS)
        return Ledger(
            decisions=tuple(filter(None, map(_decision, decided))),
            outcomes=tuple(filter(None, map(_outcome, answered))),
            complete=first == 0 and first_answer == 0 and letters.complete,
            letters=tuple(letter for letter in letters.book.all() if letter.key == friend.encode()),
        )

    async def _values(self, topic: str, key: bytes, partition: int) -> tuple[list[bytes], int]:
        """The friend's newest records of a topic, and the offset they were looked for from."""
        first = max(0, (await end_offsets(self._brokers, topic))[partition] - self._newest)
        log = read_log(self._brokers, topic, partitions=[partition], start={partition: first})
        return [record.value async for record in log if record.key == key and record.value is not None], first


def _decision(raw: bytes) -> DecisionRecord | None:
    try:
        return read_decision(raw)
    except Unreadable:
        return None


def _outcome(raw: bytes) -> Outcome | None:
    try:
        return read_outcome(raw)
    except Unreadable:
        return None
