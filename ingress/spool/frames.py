"""The bytes of a spool segment: frame after frame, each one whole or not at all.

Law: a frame counts only when its header and its payload agree with their CRC-32. What does not is passed over to the
next frame that does, and told, never silently; what is left at the end without a whole frame behind it is a torn tail.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

_MAGIC = b"\xf5FS\x01"
_HEADER = struct.Struct("<4s4sIII")  # magic, key id, length of the payload, events in it, CRC of the payload
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size


class Frame(NamedTuple):
    """A whole frame: the key that sealed it, how many events it holds, the sealed payload, where it ends."""

    key: bytes
    events: int
    payload: bytes
    end: int


class Damage(NamedTuple):
    """Bytes from `start` to `end` that are no whole frame; `torn`: nothing whole comes behind them."""

    start: int
    end: int
    torn: bool


class Parsed(NamedTuple):
    """What was found, and where the part begins that needs more bytes to be judged."""

    frames: list[Frame]
    damages: list[Damage]
    consumed: int


class _Head(NamedTuple):
    key: bytes
    length: int
    events: int
    payload_crc: int


def frame(key: bytes, payload: bytes, events: int) -> bytes:
    """The bytes of one frame; `key` has 4 bytes."""
    head = _HEADER.pack(_MAGIC, key, len(payload), events, crc32(payload))
    return b"".join((head, _CRC.pack(crc32(head)), payload))


def parse(data: bytes, *, complete: bool, limit: int | None = None) -> Parsed:
    """The frames from the start of `data` on, at most about `limit` bytes of them.

    Without `complete` more bytes follow in the file: whatever they may still explain is left unconsumed.
    """
    found = Parsed([], [], 0)
    at, size = 0, len(data)
    while at < size and (limit is None or at < limit):
        one = _frame_at(data, at)
        if one is not None:
            found.frames.append(one)
            at = one.end
            continue
        damage = _damage_at(data, at, complete=complete)
        if damage is None:
            break
        found.damages.append(damage)
        at = damage.end
    return found._replace(consumed=at)


def _frame_at(data: bytes, at: int) -> Frame | None:
    head = _head_at(data, at)
    if head is None:
        return None
    begin = at + HEADER_BYTES
    end = begin + head.length
    if end > len(data):
        return None
    payload = data[begin:end]
    return Frame(head.key, head.events, payload, end) if crc32(payload) == head.payload_crc else None


def _head_at(data: bytes, at: int) -> _Head | None:
    if len(data) - at < HEADER_BYTES or data[at : at + 4] != _MAGIC:
        return None
    (crc,) = _CRC.unpack_from(data, at + _HEADER.size)
    if crc32(data[at : at + _HEADER.size]) != crc:
        return None
    _, key, length, events, payload_crc = _HEADER.unpack_from(data, at)
    return _Head(key, length, events, payload_crc)


def _damage_at(data: bytes, at: int, *, complete: bool) -> Damage | None:
    """How far the damage at `at` goes; None when only more bytes can tell."""
    head = _head_at(data, at)
    if head is not None and at + HEADER_BYTES + head.length <= len(data):
        return Damage(at, at + HEADER_BYTES + head.length, torn=False)  # the payload alone is wrong
    if not complete:
        return None
    begin = data.find(_MAGIC, at + 1)
    while begin != -1:
        if _frame_at(data, begin) is not None:
            return Damage(at, begin, torn=False)
        begin = data.find(_MAGIC, begin + 1)
    return Damage(at, len(data), torn=True)
