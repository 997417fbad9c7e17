"""From a record of a source topic to what it says about whom.

Law: a record speaks about exactly one friend, or about none (groups, rooms, events without a user); its key must be
that friend, for the key chose the partition, and the row lives there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from domain.turn import friend_of as friend_of_event
from schemas import topics
from schemas.codec import Unreadable
from schemas.events import EventRecord, read_event_record
from schemas.outcomes import Outcome, read_outcome
from schemas.results import Result, read_result

SourceRecord = EventRecord | Result | Outcome
Read = Callable[[bytes], SourceRecord]

READERS: Final[dict[str, Read]] = {
    topics.EVENTS.name: read_event_record,
    topics.RESULTS.name: read_result,
    topics.OUTCOMES.name: read_outcome,
}


def friend_of(record: SourceRecord) -> str | None:
    """The friend a record speaks about, None for no friend."""
    return friend_of_event(record.event) if isinstance(record, EventRecord) else record.friend


def read(topic: str, value: bytes | None) -> SourceRecord:
    """Decode one record of a source topic; raises Unreadable."""
    if value is None:
        raise Unreadable
    return READERS[topic](value)
