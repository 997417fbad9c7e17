"""Which open changes have lost their answer.

Law: a change is lost when the sink's commit is past it, the fold's commit is past all outcomes that were there then,
and its friend's row still waits. A row is written after its change, and a commit after its outcome: so offsets alone
prove it, and no clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiokafka import TopicPartition

from schemas.topics import CHANGES, OUTCOMES

OffsetIn = Callable[[TopicPartition], Awaitable[int]]


@dataclass(slots=True, kw_only=True)
class _Mark:
    """Ends of friends.v1 and, read after it, of the changes; the end of the outcomes once the sink was past those."""

    friends: int
    changes: int
    outcomes: int | None = None


class LostAnswers:
    """One mark for each partition; `end_of` gives a log's end, `done` the sink's commit in it, `folded` the fold's."""

    def __init__(self, *, end_of: OffsetIn, done: OffsetIn, folded: OffsetIn) -> None:
        self._end_of, self._done, self._folded = end_of, done, folded
        self._marks: dict[int, _Mark] = {}

    async def before(self, partition: int, friends_end: int) -> int:
        """A row before this offset of friends.v1 that is still newest, and waits, waits in vain; 0: none is known to.

        `friends_end` is an offset that friends.v1 has reached.
        """
        changes, outcomes = TopicPartition(CHANGES.name, partition), TopicPartition(OUTCOMES.name, partition)
        mark = self._marks.get(partition)
        if mark is None:
            mark = self._marks[partition] = _Mark(friends=friends_end, changes=await self._end_of(changes))
        if mark.outcomes is None and await self._done(changes) >= mark.changes:
            mark.outcomes = await self._end_of(outcomes)
        if mark.outcomes is None or await self._folded(outcomes) < mark.outcomes:
            return 0
        del self._marks[partition]
        return mark.friends
