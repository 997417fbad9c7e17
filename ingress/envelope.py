"""Reading the body of a webhook: LINE's envelope and its events, every value kept.

Law: reading never fails; what is no webhook, and each event that is none, is said to be so. Integers of any size stay
integers (orjson would make floats of those beyond 64 bits). The parser of LINE's SDK is not used: it loses events.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from ingress.body_split import mend, split

Event = dict[str, Any]
_UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)


class Envelope(NamedTuple):
    """What a webhook holds: the addressed bot, the events, which of them were repaired, and members that are none.

    `repaired` has the positions in `events` where characters that JSON cannot carry were replaced; `unreadable` has the
    bytes of the members that are no event.
    """

    destination: Any
    events: list[Event]
    repaired: frozenset[int] = frozenset()
    unreadable: tuple[bytes, ...] = ()


class _Usual(msgspec.Struct):
    events: list[Event]
    destination: str | None = None


class _Unusual(msgspec.Struct):
    events: list[Any]
    destination: Any = None


_read_usual = msgspec.json.Decoder(_Usual).decode
_read_unusual = msgspec.json.Decoder(_Unusual).decode
_read_event = msgspec.json.Decoder(Event).decode


def read_envelope(body: bytes) -> Envelope | None:
    """The envelope in the body; None when it is no JSON object with a list of events."""
    try:
        usual = _read_usual(body)
    except _UNREADABLE:
        return _read_one_by_one(body)
    return Envelope(usual.destination, usual.events)


def _read_one_by_one(body: bytes) -> Envelope | None:
    parts = split(body)
    if parts is None:
        return None
    try:
        rest = _read_unusual(mend(parts.rest))
    except _UNREADABLE:
        return None
    if rest.events:  # not the list that was cut out: a second spelling of the name
        return None
    events: list[Event] = []
    repaired: set[int] = set()
    unreadable: list[bytes] = []
    for raw in parts.events:
        mended = mend(raw)
        try:
            event = _read_event(mended)
        except _UNREADABLE:
            unreadable.append(raw)
            continue
        if mended != raw:
            repaired.add(len(events))
        events.append(event)
    return Envelope(rest.destination, events, frozenset(repaired), tuple(unreadable))
