"""One run of records becomes the records that follow from it. Reads rows, writes nothing, awaits nothing.

Laws
1. All records of one friend in a run make one state and at most one change.
2. Who was just erased leaves an empty change under its key, so that compaction removes what the last one said. It goes
   out before the row, as every change does; after a crash it goes out again, and asks for nothing.
3. What is wrong with one record is that record's fate alone: it becomes a dead letter, its neighbours are folded. An
   exception of the pure turn is deterministic, so it is a fault of the record and never ends the process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.policy import FoldPolicy
from domain.turn import Incoming, Turn, no_friend_decision, turn
from processors.dead_letters import dead_letter, place_of
from processors.reading import READERS
from processors.row_store import ReadRow
from runtime.appender import LARGEST_RECORD, Outgoing, TooLarge
from schemas.cloud_events import Headers
from schemas.codec import Unreadable, encode
from schemas.dead_letters import ReasonCode
from schemas.friends import FriendState, read_friend_state

LARGEST_VALUE = LARGEST_RECORD - 1024
NO_HEADERS: Headers = []  # one for all: a list costs a tenth of a record

Pair = tuple[Any, Incoming]  # the aiokafka record and what it says


@dataclass(slots=True)
class RunOutput:
    """What one run makes: records for five topics, all of the run's partition number; `forgotten` changes are empty."""

    changes: list[Outgoing] = field(default_factory=list)
    requests: list[Outgoing] = field(default_factory=list)
    decisions: list[Outgoing] = field(default_factory=list)
    dead: list[Outgoing] = field(default_factory=list)
    states: list[tuple[bytes, bytes]] = field(default_factory=list)
    discarded: Counter[ReasonCode] = field(default_factory=Counter)
    forgotten: int = 0


@dataclass(slots=True)
class Folded:
    """What one turn made, encoded: all of it is sent or nothing."""

    made: Turn
    state: bytes | None
    changes: list[Outgoing]
    requests: list[Outgoing]
    decisions: list[Outgoing]


class RunFolder:
    """Folds runs of one partition; `now` in ms is the time of the run."""

    def __init__(self, topic: str, partition: int, read_row: ReadRow, *, now: int, policy: FoldPolicy) -> None:
        self._topic = topic
        self._partition = partition
        self._read_row = read_row
        self._now = now
        self._policy = policy
        self.out = RunOutput()

    def fold(self, records: Sequence[Any]) -> RunOutput:
        """Fold a run of aiokafka records of one topic and partition, in order."""
        by_friend: dict[bytes, list[Pair]] = {}
        topic, partition = self._topic, self._partition
        read, subject = READERS[topic]
        for record in records:
            try:
                said = read(record.value)
            except Unreadable:
                self._discard(record, "unreadable")
                continue
            friend, key = subject(said), record.key
            item = Incoming(topic, partition, record.offset, said)
            if friend is None:
                self._no_friend(record, item)
            elif key is None or key != friend.encode():
                self._discard(record, "key_mismatch")
            elif (known := by_friend.get(key)) is not None:
                known.append((record, item))
            else:
                by_friend[key] = [(record, item)]
        for key, pairs in by_friend.items():
            self._fold_friend(key, pairs)
        return self.out

    def _no_friend(self, record: Any, item: Incoming) -> None:
        try:
            decision = encode(no_friend_decision(item, self._now))
        except Exception as trouble:
            self._blame(record, trouble)
        else:
            self.out.decisions.append((record.key, decision, NO_HEADERS))

    def _fold_friend(self, key: bytes, pairs: list[Pair]) -> None:
        try:
            folded = self._turn(key, self._read_row(key), [item for _, item in pairs])
        except MemoryError:
            raise
        except Exception:
            self._fold_one_by_one(key, pairs)
        else:
            if folded.state is not None:
                self.out.states.append((key, folded.state))
            self._take(folded, pairs)

    def _turn(self, key: bytes, row: bytes | None, items: list[Incoming]) -> Folded:
        """One turn and its outputs in bytes; raises TooLarge, and whatever the pure turn raises."""
        state = None if row is None else read_friend_state(row)
        made = turn(key.decode(), state, items, now=self._now, policy=self._policy)
        folded = Folded(
            made,
            None if made.state is None else encode(made.state),
            [(key, encode(change), NO_HEADERS) for change in made.changes],
            [(key, encode(request), NO_HEADERS) for request in made.requests],
            [(key, encode(decision), NO_HEADERS) for decision in made.decisions],
        )
        if _just_erased(state, made):
            folded.changes.append((key, None, NO_HEADERS))
        largest = LARGEST_VALUE - len(key)
        if folded.state is not None and len(folded.state) > largest:
            raise TooLarge(f"a state of {len(folded.state)} bytes")
        for _, value, _ in folded.changes:
            if value is not None and len(value) > largest:
                raise TooLarge(f"a change of {len(value)} bytes")
        return folded

    def _fold_one_by_one(self, key: bytes, pairs: list[Pair]) -> None:
        """Find the guilty: a turn for each record; who raises is a dead letter, the rest is folded."""
        latest: bytes | None = None
        for record, item in pairs:
            try:
                folded = self._turn(key, latest or self._read_row(key), [item])
            except MemoryError:
                raise
            except Exception as trouble:
                self._blame(record, trouble)
            else:
                latest = folded.state or latest
                self._take(folded, [(record, item)])
        if latest is not None:
            self.out.states.append((key, latest))

    def _take(self, folded: Folded, pairs: list[Pair]) -> None:
        """Everything but the state."""
        out = self.out
        out.changes += folded.changes
        out.forgotten += len(folded.changes) - len(folded.made.changes)
        out.requests += folded.requests
        out.decisions += folded.decisions
        if folded.made.dead:
            records = {item.offset: record for record, item in pairs}
            for item, reason in folded.made.dead:
                self._discard(records[item.offset], reason)

    def _blame(self, record: Any, trouble: Exception) -> None:
        if isinstance(trouble, TooLarge):
            self._discard(record, "too_large")
        else:
            self._discard(record, "fold_failed", place_of(trouble.__traceback__))

    def _discard(self, record: Any, reason: ReasonCode, where: str | None = None) -> None:
        self.out.discarded[reason] += 1
        self.out.dead.append(dead_letter(record, reason, self._now, where))


def _just_erased(before: FriendState | None, made: Turn) -> bool:
    """Whether an erasure was folded, and no change of the same turn takes the place of the last one."""
    if made.state is None or made.state.erased_at is None or made.changes:
        return False
    return before is None or before.erased_at != made.state.erased_at
