"""Cutting a webhook body into its events without understanding them, and mending what JSON cannot carry.

Law: one odd event never harms its neighbours. This is the slow way, taken only when a body does not decode as a whole;
it loses no byte of an event that it does not mend.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},:]', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)
_LONE_ESCAPE_LENGTH = len(rb"\ud83e")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK = b" \t\r\n"


class SplitBody(NamedTuple):
    """The body with its list of events emptied, and the bytes of each event."""

    rest: bytes
    events: list[bytes]


class _NotAList(Exception):
    """The body has no complete list of events."""


def split(body: bytes) -> SplitBody | None:
    """Cut the members of the top-level list `events` out of the body; None when there is no such list."""
    start = _start_of_events(body)
    if start is None:
        return None
    try:
        events, end = _members(body, start)
    except _NotAList:
        return None
    return SplitBody(body[:start] + body[end:], events)


def mend(raw: bytes) -> bytes:
    """The bytes with every lone surrogate and every byte that is not UTF-8 replaced by U+FFFD; else unchanged."""
    escaped = _ESCAPE.sub(_without_lone_surrogate, raw)
    try:
        text = escaped.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = escaped.decode("utf-8", "replace")
    return _SURROGATE.sub("\ufffd", text).encode()


def _without_lone_surrogate(escape: re.Match[bytes]) -> bytes:
    found = escape[0]
    return rb"\ufffd" if len(found) == _LONE_ESCAPE_LENGTH else found


def _start_of_events(body: bytes) -> int | None:
    """The offset behind the bracket that opens the top-level list `events`."""
    depth = 0
    before: tuple[bytes, bytes] = (b"", b"")
    for token in _TOKEN.finditer(body):
        found = token[0]
        if found == b"[" and depth == 1 and before == (b'"events"', b":"):
            return token.end()
        if found in (b"[", b"{"):
            depth += 1
        elif found in (b"]", b"}"):
            depth -= 1
        before = (before[1], found)
    return None


def _members(body: bytes, start: int) -> tuple[list[bytes], int]:
    """The members of the list that opened right before `start`, and the offset of the bracket that closes it."""
    members: list[bytes] = []
    depth = 0
    began = start
    for token in _TOKEN.finditer(body, start):
        found = token[0]
        if found in (b"[", b"{"):
            depth += 1
        elif depth and found in (b"]", b"}"):
            depth -= 1
        elif not depth and found in (b",", b"]"):
            member = body[began : token.start()].strip(_BLANK)
            if found == b"]" and not member and not members:
                return [], token.start()
            if not member:
                raise _NotAList
            members.append(member)
            began = token.end()
            if found == b"]":
                return members, token.start()
        elif found in (b'"', b"}"):
            raise _NotAList
    raise _NotAList
