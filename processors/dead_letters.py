"""What the fold can never process, kept byte for byte.

Law: a dead letter is the source record as it was, with coordinates and a code of ours in its headers; it goes to the
partition number it came from, under its own key.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from runtime.appender import LARGEST_RECORD, Outgoing, size_of
from schemas.dead_letters import ReasonCode, dead_letter_headers

_OURS = ("domain", "schemas", "processors")


def dead_letter(record: Any, reason: ReasonCode, now: int, where: str | None = None) -> Outgoing:
    """The dead letter of one aiokafka record; `where` = place in our code that raised, as module:line.

    A record so large that it would not fit with our headers loses its value: its coordinates say where it is.
    """
    headers = dead_letter_headers(
        [(name, value or b"") for name, value in record.headers],  # a foreign header may be null
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at=now,
        stage="fold",
        reason=reason,
        where=where,
    )
    letter: Outgoing = (record.key, record.value, headers)
    return letter if size_of(letter) <= LARGEST_RECORD else (record.key, None, headers)


def place_of(trace: TracebackType | None) -> str:
    """Where an exception came from: the innermost frame of our own code, as module:line. Never its text."""
    place = "unknown:0"
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", "unknown"))
        if place == "unknown:0" or module.split(".")[0] in _OURS:
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
