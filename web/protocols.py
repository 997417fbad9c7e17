"""What the pages may ask of the worker they run in.

Law: the pages see this and nothing else of the fold; they read, and never change anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from domain.dead_letters import Letter
from processors.flow import FlowSnapshot
from runtime.letter_log import LetterRead
from schemas.decisions import DecisionRecord
from schemas.outcomes import Outcome


class FriendRows(Protocol):
    """The rows of one worker's own partitions, and how it is doing."""

    def ready(self) -> bool:
        """Recovered and assigned: rows may be asked for."""
        ...

    def partition(self, friend: str) -> int:
        """The partition number a friend lives in."""
        ...

    def owns(self, partition: int) -> bool:
        """Whether this worker has the rows of this partition."""
        ...

    def row(self, friend: str) -> bytes | None:
        """The friend's state in bytes, None when there is none."""
        ...

    def flow(self) -> FlowSnapshot:
        """The counters of this moment."""
        ...

    def metrics(self) -> bytes:
        """All counters in Prometheus' text format."""
        ...


@dataclass(frozen=True, slots=True)
class Ledger:
    """What followed from a friend's records, oldest first; `complete` is false where older ones were not looked at.

    `letters` are those of the friend's records that nobody could process, newest first.
    """

    decisions: tuple[DecisionRecord, ...]
    outcomes: tuple[Outcome, ...]
    complete: bool
    letters: tuple[Letter, ...] = ()


ReadLedger = Callable[[str, int], Awaitable[Ledger]]  # friend, partition
ReadLetters = Callable[[], Awaitable[LetterRead]]
