"""Instants as HubSpot reads and writes them: ISO 8601 in UTC, or epoch milliseconds. Inside, always milliseconds."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@lru_cache(maxsize=4_096)
def iso(at: int) -> str:
    """Write an instant of a record's envelope: always with milliseconds."""
    return (_EPOCH + timedelta(milliseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"


def iso_value(at: int) -> str:
    """Write a datetime property's value: milliseconds only where there are any."""
    text = iso(at)
    return text[:-5] + "Z" if text.endswith(".000Z") else text


def parse(text: str) -> int | None:
    """Read epoch milliseconds or ISO 8601 (a bare date is midnight UTC); None when it is neither."""
    if text.removeprefix("-").isdecimal() and text.isascii():
        at = int(text)
        return at if abs(at) < 253_402_300_800_000 else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND
