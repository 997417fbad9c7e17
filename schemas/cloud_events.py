"""CloudEvents in binary mode: the headers of the two streams that other systems read.

Law: the headers of a record follow from the record alone, so a replay carries the same ones.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from schemas.codec import Record
from schemas.events import EventRecord
from schemas.outcomes import Outcome, outcome_id

Headers = list[tuple[str, bytes]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = int(timedelta(days=365 * 8000) / timedelta(milliseconds=1))
_LONGEST_TYPE = 64
_COMMON = (("content-type", b"application/json"), ("ce_specversion", b"1.0"))


class Envelope(Record, frozen=True, kw_only=True):
    """The four headers that differ from record to record."""

    id: str
    source: str
    type: str
    time: int


def rfc3339(ms: int) -> str:
    """Milliseconds UTC as RFC 3339 with milliseconds and Z: `2026-11-22T03:11:22.123Z`."""
    seconds, rest = divmod(min(max(ms, 0), _LAST), 1000)
    return f"{_to_the_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=1024)  # many events share a second, and formatting it is the dearest part of a record's headers
def _to_the_second(seconds: int) -> str:
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"


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
    if not isinstance(kind, str) or len(kind) > _LONGEST_TYPE:
        kind = ""
    return [
        *_COMMON,
        ("ce_id", event_id.encode()),
        ("ce_source", b"/line/%d" % record.connection),
        _event_type("friendstream" if record.origin == "operator" else "line", kind),
        ("ce_time", rfc3339(event_time).encode()),
    ]


@lru_cache(maxsize=256)
def _event_type(prefix: str, kind: str) -> tuple[str, bytes]:
    if not kind or not kind.isascii() or not kind.isprintable():
        kind = "unknown"
    return "ce_type", f"{prefix}.{kind}".encode()


def outcome_headers(outcome: Outcome) -> Headers:
    """Headers of one record of contact.outcomes.v1."""
    return headers_of(Envelope(id=outcome_id(outcome), source="/hubspot", type="contact.outcome", time=outcome.at))
