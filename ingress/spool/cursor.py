"""How far the spool is drained, in a file that needs no room when it moves.

Law: two slots are written in turn, in place, so that a full disk does not stop the draining and a torn write costs one
step: records are then sent twice, never lost.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

from ingress.spool.disk import Disk

NAME = "position"
_SLOT = struct.Struct("<4sQQQ")  # magic, turn, segment, offset
_CRC = struct.Struct("<I")
_MAGIC = b"FSP\x01"
_APART = 4096  # in sectors of their own


class Position(NamedTuple):
    """Everything before this offset of this segment is in Kafka."""

    segment: int
    offset: int


START = Position(1, 0)


class Cursor:
    """The kept position."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._turn = 0
        self._made = False

    def load(self) -> Position:
        """The last position that was kept, the start when there is none."""
        self._made = NAME in self._disk.names()
        if not self._made:
            return START
        slots = [_slot(self._disk.read(NAME, number * _APART, _SLOT.size + _CRC.size)) for number in (0, 1)]
        self._turn, position = max((slot for slot in slots if slot is not None), default=(0, START))
        return position

    def keep(self, position: Position) -> None:
        """Return when the position is on the disk; raises OSError, after which the one before may count."""
        if not self._made:
            self._make()
        turn = self._turn + 1
        slot = _SLOT.pack(_MAGIC, turn, *position)
        self._disk.write(NAME, turn % 2 * _APART, slot + _CRC.pack(crc32(slot)))
        self._disk.sync(NAME)
        self._turn = turn

    def _make(self) -> None:
        if NAME not in self._disk.names():
            self._disk.create(NAME)
        self._disk.write(NAME, 0, bytes(2 * _APART))
        self._disk.sync(NAME)
        self._disk.sync_directory()
        self._made = True


def _slot(raw: bytes) -> tuple[int, Position] | None:
    if len(raw) < _SLOT.size + _CRC.size or crc32(raw[: _SLOT.size]) != _CRC.unpack_from(raw, _SLOT.size)[0]:
        return None
    magic, turn, segment, offset = _SLOT.unpack_from(raw)
    return (turn, Position(segment, offset)) if magic == _MAGIC else None
