"""From a record of a source topic to what it says about whom.

Law: a record speaks about exactly one friend, or about none (groups, rooms, events without a user); its key must be
that friend, for the key chose the partition, and the row lives there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from domain.turn import friend_of
from schemas import topics
from schemas.events import EventRecord, read_event_record
from schemas.outcomes import Outcome, read_outcome
from schemas.results import Result, read_result

Read = Callable[[bytes], Any]  # raises Unreadable
Subject = Callable[[Any], str | None]


def _of_event(record: EventRecord) -> str | None:
    return friend_of(record.event)


def _of_answer(record: Result | Outcome) -> str:
    return record.friend


READERS: Final[dict[str, tuple[Read, Subject]]] = {
    topics.EVENTS.name: (read_event_record, _of_event),
    topics.RESULTS.name: (read_result, _of_answer),
    topics.OUTCOMES.name: (read_outcome, _of_answer),
}
