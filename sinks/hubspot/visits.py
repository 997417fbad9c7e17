"""Friends that the sweep looks at, and what it knows of each so far.

Law: a record id or address is in a call once, whoever asks for it; a visit goes on to the next question only when the
one before it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from domain.batch_answers import READ_WITH, Found, ItemAnswer
from domain.contact_properties import connection_properties
from domain.sweep import Look, Seen
from schemas.friends import FriendState
from sinks.hubspot.rows import Rows

BATCH = 100
PATIENCE = 30.0

Question = Literal["alive", "in_bin", "by_email"]
QUESTIONS: Final[tuple[Question, ...]] = ("alive", "in_bin", "by_email")  # one leads to the next


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Standing:
    """A friend's row and where it was read."""

    rows: Rows
    key: bytes
    offset: int
    row: FriendState

    @property
    def is_newest(self) -> bool:
        """Whether the friend has no newer row, as far as the rows have been read."""
        return self.rows.is_newest(self.key, self.offset)


@dataclass(slots=True, eq=False, kw_only=True)
class Visit:
    """What HubSpot is asked about one friend, and what it has said."""

    friend: Standing
    look: Look
    read_at: int = 0
    question: Question = field(init=False)
    is_over: bool = False
    answers: dict[Question, Found | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.question = "alive" if self.look.contact is not None else "by_email"

    @property
    def asks_for(self) -> str:
        """The record id or address of the question."""
        return (self.look.email if self.question == "by_email" else self.look.contact) or ""

    @property
    def seen(self) -> Seen:
        """What HubSpot has of the friend."""
        return Seen(
            read_at=self.read_at,
            alive=self.answers.get("alive"),
            archived=self.answers.get("in_bin"),
            by_email=self.answers.get("by_email"),
        )

    def answered(self, item: ItemAnswer, asked_at: int) -> bool:
        """Note the answer and go to the next question; False when HubSpot has not said."""
        if item.found is None and (item.error is None or not item.error.not_found):
            return False
        self.read_at = self.read_at or asked_at
        self.answers[self.question] = item.found
        if self.question == "alive" and item.found is None:
            self.question = "in_bin"
        elif self.question == "in_bin" and self.look.email is not None:
            self.question = "by_email"
        else:
            self.is_over = True
        return True


class Queue:
    """Visits with the same question, and since when the oldest waits (seconds)."""

    def __init__(self) -> None:
        self._visits: list[Visit] = []
        self._since = 0.0

    def put(self, visit: Visit, now: float) -> None:
        """Let a visit wait for its call."""
        if not self._visits:
            self._since = now
        self._visits.append(visit)

    def is_due(self, now: float, *, all_of_them: bool = False) -> bool:
        """Whether a call is full, or waited for long enough."""
        waiting = len(self._visits)
        return waiting >= BATCH or (waiting > 0 and (all_of_them or now - self._since >= PATIENCE))

    def take(self) -> list[Visit]:
        """The visits of one call."""
        taken, self._visits = self._visits[:BATCH], self._visits[BATCH:]
        return taken


def properties_for(visits: Sequence[Visit]) -> list[str]:
    """What to read so that each of these friends can be judged."""
    numbers = sorted({int(number) for visit in visits for number in visit.friend.row.connections})
    return [*READ_WITH, *(one.name for number in numbers for one in connection_properties(number))]


def keys_of(visits: Sequence[Visit]) -> list[str]:
    """The ids or addresses of one call, each once."""
    return list(dict.fromkeys(visit.asks_for for visit in visits))


def share_out(visits: Sequence[Visit], items: Mapping[str, ItemAnswer], asked_at: int) -> list[Visit]:
    """Give each visit its answer; those that HubSpot has said nothing about are over."""
    return [visit for visit in visits if visit.answered(items[visit.asks_for], asked_at)]
