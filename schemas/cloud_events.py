"""CloudEvents in binary mode: the headers of the two streams that other systems read.

Law: the headers of a record follow from the record alone, so a replay carries the same ones.
"""

from datetime import UTC, datetime, timedelta

from schemas.codec import Record
from schemas.events import EventRecord
from schemas.outcomes import Outcome, outcome_id

Headers = list[tuple[str, bytes]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = int(timedelta(days=365 * 8000) / timedelta(milliseconds=1))
_COMMON = (("content-type", b"application/json"), ("ce_specversion", b"1.0"))


class Envelope(Record, frozen=True, kw_only=True):
    """The four headers that differ from record to record."""

    id: str
    source: str
    type: str
    time: int


def rfc3339(ms: int) -> str:
    """Milliseconds UTC as RFC 3339 with milliseconds and Z: `2026-11-22T03:11:22.123Z`."""
    moment = _EPOCH + timedelta(milliseconds=min(max(ms, 0), _LAST))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def headers_of(envelope: Envelope) -> Headers:
    """The header list of one record, in the shape that aiokafka's record builder takes."""
    return [
        *_COMMON,
        ("ce_id", envelope.id.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", rfc3339(envelope.time).encode()),
    ]


def event_headers(record: EventRecord, event_id: str, event_time: int) -> Headers:
    """Headers of one record of line.events.v1; `event_time` is LINE's time, else the receive time (ms)."""
    kind = record.event.get("type")
    if not isinstance(kind, str) or not kind.isascii() or not kind.isprintable() or not 0 < len(kind) <= 64:
        kind = "unknown"
    prefix = "friendstream" if record.origin == "operator" else "line"
    return headers_of(
        Envelope(id=event_id, source=f"/line/{record.connection}", type=f"{prefix}.{kind}", time=event_time)
    )


def outcome_headers(outcome: Outcome) -> Headers:
    """Headers of one record of contact.outcomes.v1."""
    return headers_of(Envelope(id=outcome_id(outcome), source="/hubspot", type="contact.outcome", time=outcome.at))
