"""When an event happened.

Law: an arrival time never decides anything. LINE's timestamp counts where it can be true, else the time inside the
ULID of the event, else there is none: an absurd time would freeze a register for ever, and the receive time would make
a replay newer than what it repeats. Where both of LINE's times agree on a later one, it is our clock that is behind.
"""

from typing import Any

EARLIEST = 1_293_840_000_000  # 2011-01-01, the year LINE began
AHEAD_MS = 5 * 60_000
OUR_CLOCK_MS = 24 * 3_600_000  # how far behind our clock may be: without a bound, an absurd pair would freeze for ever

_ULID_LENGTH = 26
_TIME_LENGTH = 10
_CROCKFORD = {digit: value for value, digit in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


def event_time(event: dict[str, Any], event_id: str, received_at: int) -> int | None:
    """LINE's time of an event in ms; None where neither timestamp nor id tells a time between 2011 and its receipt.

    Where the two agree, the receipt may be a day too early: an hour of a wrong clock of ours is an hour of events.
    """
    latest = received_at + AHEAD_MS
    at = event.get("timestamp")
    if type(at) is int and EARLIEST <= at <= latest:
        return at
    inside = ulid_time(event_id)
    if type(at) is int and inside is not None and abs(at - inside) <= AHEAD_MS:
        latest = received_at + OUR_CLOCK_MS
        return at if EARLIEST <= at <= latest else None
    return inside if inside is not None and EARLIEST <= inside <= latest else None


def ulid_time(event_id: str) -> int | None:
    """The 48-bit time (ms) in the first ten digits of a ULID; None where it is not one."""
    if len(event_id) != _ULID_LENGTH:
        return None
    at = 0
    for letter in event_id[:_TIME_LENGTH].upper():
        digit = _CROCKFORD.get(letter)
        if digit is None:
            return None
        at = at << 5 | digit
    return at
