"""dead.letters.v1 as a book of letters, and the records of some of them.

Law: of a letter's value only the size stays in memory, unless it is asked for by its place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple

from domain.dead_letters import LetterBook, Place
from runtime.log_reader import end_offsets, read_log
from schemas.topics import DEAD_LETTERS


class LetterRead(NamedTuple):
    """What was read; `complete` is false where older records were not looked at."""

    book: LetterBook
    complete: bool


def note(book: LetterBook, record: Any) -> None:
    """Take one aiokafka record of dead.letters.v1 into the book."""
    place = Place(record.partition, record.offset)
    book.note(place, record.key, len(record.value or b""), record.headers, record.timestamp)


async def read_letters(
    brokers: str, *, partitions: Iterable[int] | None = None, newest: int | None = None
) -> LetterRead:
    """The topic up to its end, or the `newest` records of each partition."""
    book = LetterBook()
    start: dict[int, int] = {}
    if newest is not None:
        ends = await end_offsets(brokers, DEAD_LETTERS.name)
        start = {partition: end - newest for partition, end in ends.items() if end > newest}
    async for record in read_log(brokers, DEAD_LETTERS.name, partitions=partitions, start=start or "earliest"):
        note(book, record)
    return LetterRead(book, not start)


async def letter_records(brokers: str, places: Iterable[Place]) -> AsyncIterator[Any]:
    """The aiokafka records at these places, those of a partition in order; what retention removed is left out."""
    wanted = set(places)
    if not wanted:
        return
    first: dict[int, int] = {}
    for place in wanted:
        first[place.partition] = min(place.offset, first.get(place.partition, place.offset))
    async for record in read_log(brokers, DEAD_LETTERS.name, partitions=sorted(first), start=first):
        if Place(record.partition, record.offset) in wanted:
            yield record
