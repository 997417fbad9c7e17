"""The segments of the spool and what is in them; blocking, for one thread.

Law: what `commit` took is on the disk when it returns, in order, behind everything before it. After a write that failed
nothing is taken until the tail is as it was. Segments are deleted as soon as they are drained: they are personal data.
A start writes into a new segment, so the tail that a crash tore is only ever read.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from ingress.records import KafkaRecord
from ingress.spool.contents import Contents, Outcome, Unopened, events_in
from ingress.spool.cursor import Cursor, Position
from ingress.spool.disk import Disk
from ingress.spool.frames import Damage, Frame, Parsed, parse
from runtime.logs import logger

SUFFIX = ".log"
FULL = "full"
_WINDOW = 1024 * 1024
_LARGEST_FRAME = 64 * 1024 * 1024
_LARGEST_SEGMENT, _SMALLEST_SEGMENT = 8 * 1024 * 1024, 64 * 1024
_LARGEST_ASIDE = 16 * 1024 * 1024
_PROBE, _PROBE_BYTES = "probe", 64 * 1024


class OtherKey(Exception):
    """The spool holds frames that another key sealed."""


class Chunk(NamedTuple):
    """Records in order, how many events they are, the position behind them, and whether nothing is left then."""

    records: list[KafkaRecord]
    events: int
    next: Position
    complete: bool


@dataclass(slots=True)
class _Segment:
    size: int
    events: int = 0  # those not drained when it was found or written


class SpoolStore:
    """The spool in one directory, at most `limit` bytes; `bytes`, `events` and `left` may be read by any thread."""

    def __init__(self, disk: Disk, contents: Contents, limit: int) -> None:
        self._disk = disk
        self._contents = contents
        self._limit = limit
        self._segment_bytes = max(_SMALLEST_SEGMENT, min(_LARGEST_SEGMENT, limit // 16))
        self._cursor = Cursor(disk)
        self._segments: dict[int, _Segment] = {}
        self._position = Position(1, 0)
        self._active: int | None = None
        self._torn: int | None = None  # the segment whose tail a failed write has left in doubt
        self._opened = False
        self._aside_bytes = 0
        self._told: set[str] = set()
        self._next = 1
        self.bytes = 0
        self.events = 0
        self.left = 0
        self.damaged = 0

    def open(self) -> None:
        """Find what an earlier process left; raises OSError, and OtherKey when it cannot be opened with our key."""
        self._disk.prepare()
        self._segments.clear()
        self._position = self._cursor.load()
        found = sorted(number for number in map(_number, self._disk.names()) if number is not None)
        for number in found:
            if number < self._position.segment:
                self._remove(number)
            else:
                self._segments[number] = self._examined(number)
        # Where the last position could not be kept, the one before it may point into a segment that is deleted already:
        # that number is never used again, else what is written to it would count as drained.
        fresh = self._position.segment + (self._position.offset > 0)
        self._next = max([number + 1 for number in found] + [fresh])
        self.events = sum(segment.events for segment in self._segments.values())
        self._count()
        self._opened = True

    def commit(self, batch: Sequence[Sequence[KafkaRecord]]) -> list[Outcome]:
        """Take each webhook's records or say why not; raises OSError when none of them is safe."""
        if not self._opened:
            self.open()
        self._mend()
        frames, events, outcomes = [], 0, []
        room = self._limit - self.bytes
        for records in batch:
            made = self._contents.close(records)
            if len(made) > min(room, _LARGEST_FRAME):
                outcomes.append(Outcome(FULL))
                continue
            room -= len(made)
            frames.append(made)
            events += events_in(records)
            outcomes.append(Outcome())
        if frames:
            self._write(b"".join(frames), events)
        return outcomes

    def check(self) -> None:
        """Raises OSError when nothing can be taken now."""
        if not self._opened:
            self.open()
        self._mend()
        if _PROBE not in self._disk.names():
            self._disk.create(_PROBE)
        try:
            self._disk.write(_PROBE, 0, bytes(_PROBE_BYTES))
            self._disk.sync(_PROBE)
        finally:
            self._disk.remove(_PROBE)

    def prepare(self) -> None:
        """Make the next segment already, so that the next commit is one write and one sync; raises OSError."""
        if not self._opened:
            self.open()
        self._mend()
        self._segment_to_write()

    def read(self, limit: int) -> Chunk:
        """The next records, of about `limit` bytes and more when one webhook has more; raises OSError."""
        records: list[KafkaRecord] = []
        events, position = 0, self._position
        while limit > 0:
            segment = self._segments.get(position.segment)
            if segment is None or position.offset >= segment.size:
                later = [number for number in self._segments if number > position.segment]
                if not later:
                    return Chunk(records, events, position, complete=True)
                position = Position(min(later), 0)
                continue
            parsed = self._parsed(position, segment, limit)
            for one in parsed.frames:
                records += self._opened_frame(position.segment, one)
                events += one.events
            limit -= parsed.consumed
            position = Position(position.segment, position.offset + parsed.consumed)
        return Chunk(records, events, position, complete=self._left_after(position) == 0)

    def advance(self, chunk: Chunk) -> str | None:
        """The chunk is in Kafka: keep the position, delete what is drained; the trouble there was, if any.

        A position that cannot be kept costs a second sending after a crash, no more.
        """
        trouble, position = None, chunk.next
        drained = [number for number in self._segments if number < position.segment]
        here = self._segments.get(position.segment)
        if here is not None and position.offset >= here.size:
            drained.append(position.segment)
            position = Position(position.segment + 1, 0)
            if self._active == chunk.next.segment:
                self._active = None
        self._position = position
        self.events = max(0, self.events - chunk.events)
        try:
            self._cursor.keep(position)
        except OSError as failed:
            trouble = name_of(failed)
        for number in drained:
            trouble = self._remove(number) or trouble
        self._count()
        return trouble

    def set_aside(self, name: str, data: bytes) -> None:
        """Keep bytes that cannot be sent beside the segments, as long as they are not too many; never raises."""
        self._aside_bytes += len(data)
        if self._aside_bytes > _LARGEST_ASIDE:
            return
        try:
            if name not in self._disk.names():
                self._disk.create(name)
            self._disk.write(name, 0, data)
            self._disk.sync(name)
        except OSError as failed:
            logger(__name__).error("%s could not be kept (%s)", name, name_of(failed))

    def refuse(self, record: KafkaRecord) -> None:
        """Keep one record that Kafka will never take, sealed."""
        made = self._contents.close([record])
        self.set_aside(f"refused-{self._position.segment}-{self._position.offset}-{crc32(record.value)}.frame", made)

    def close(self) -> None:
        """Give the directory back."""
        self._disk.close()

    def _examined(self, number: int) -> _Segment:
        """One segment of an earlier process: its whole frames counted, its torn tail cut off."""
        name = _name(number)
        segment = _Segment(self._disk.size(name), 0)
        at = self._position.offset if number == self._position.segment else 0
        while at < segment.size:
            parsed = self._parsed(Position(number, at), segment, segment.size, tell=False)
            if any(one.key != self._contents.key for one in parsed.frames):
                raise OtherKey
            segment.events += sum(one.events for one in parsed.frames)
            torn = [damage for damage in parsed.damages if damage.torn]
            if torn:
                self._cut(name, segment, at + torn[0].start)
            at += parsed.consumed
        return segment

    def _cut(self, name: str, segment: _Segment, size: int) -> None:
        lost, segment.size = segment.size - size, size
        logger(__name__).warning("the spool ends in %d bytes that were never acknowledged; cut off", lost)
        try:
            self._disk.truncate(name, size)
            self._disk.sync(name)
        except OSError as failed:
            logger(__name__).warning("the spool's tail cannot be cut (%s); it is not read", name_of(failed))

    def _parsed(self, position: Position, segment: _Segment, limit: int, *, tell: bool = True) -> Parsed:
        left = segment.size - position.offset
        size = min(left, max(_WINDOW, limit) if tell else _WINDOW)
        data = self._disk.read(_name(position.segment), position.offset, size)
        parsed = parse(data, complete=size == left, limit=limit)
        if not parsed.consumed:  # a frame larger than the window, or damage whose end is not in sight
            data = self._disk.read(_name(position.segment), position.offset, left)
            parsed = parse(data, complete=True, limit=limit)
        if not parsed.consumed:  # shorter than it was: what is missing cannot be read
            parsed = Parsed([], [Damage(0, left, torn=False)], left)
        if tell:
            for damage in parsed.damages:
                self._tell(position, damage, data)
        return parsed

    def _tell(self, position: Position, damage: Damage, data: bytes) -> None:
        name = f"damaged-{position.segment}-{position.offset + damage.start}.frame"
        if name in self._told:
            return
        self._told.add(name)
        self.damaged += 1
        logger(__name__).error(
            "the spool is damaged: %d bytes are passed over, kept as %s", damage.end - damage.start, name
        )
        self.set_aside(name, data[damage.start : damage.end])

    def _opened_frame(self, number: int, one: Frame) -> list[KafkaRecord]:
        try:
            return self._contents.open(one)
        except Unopened:
            name = f"unopened-{number}-{crc32(one.payload)}.frame"
            if name not in self._told:
                self._told.add(name)
                self.damaged += 1
                logger(__name__).error("a frame of the spool does not open, kept as %s", name)
                self.set_aside(name, one.payload)
            return []

    def _write(self, data: bytes, events: int) -> None:
        number = self._segment_to_write()
        segment, name = self._segments[number], _name(number)
        try:
            self._disk.write(name, segment.size, data)
            self._disk.sync(name)
        except OSError:
            self._torn, self._active = number, None
            raise
        segment.size += len(data)
        self.events += events
        self._count()

    def _segment_to_write(self) -> int:
        if self._active is not None and self._segments[self._active].size < self._segment_bytes:
            return self._active
        number = self._next
        self._next += 1
        self._disk.create(_name(number))
        self._segments[number] = _Segment(0, 0)
        self._torn = number  # until its name is durable
        self._disk.sync_directory()
        self._torn, self._active = None, number
        return number

    def _mend(self) -> None:
        """Cut what a failed write has left; raises OSError while that cannot be done.

        The segment is not written again: after a failed sync the kernel may take pages for written that are not.
        """
        if self._torn is None:
            return
        segment = self._segments[self._torn]
        if segment.size:
            self._disk.truncate(_name(self._torn), segment.size)
            self._disk.sync(_name(self._torn))
        else:
            self._disk.remove(_name(self._torn))
            del self._segments[self._torn]
        self._torn = None

    def _remove(self, number: int) -> str | None:
        try:
            self._disk.remove(_name(number))
            self._disk.sync_directory()
        except OSError as failed:
            logger(__name__).error("a drained part of the spool cannot be deleted (%s)", name_of(failed))
            return name_of(failed)
        self._segments.pop(number, None)
        if number == self._torn:
            self._torn = None
        return None

    def _count(self) -> None:
        self.bytes = sum(segment.size for segment in self._segments.values())
        self.left = self._left_after(self._position)

    def _left_after(self, position: Position) -> int:
        later = sum(s.size for number, s in self._segments.items() if number > position.segment)
        here = self._segments.get(position.segment)
        return later + (max(0, here.size - position.offset) if here is not None else 0)


def name_of(trouble: OSError) -> str:
    """`ENOSPC` and the like."""
    return errno.errorcode.get(trouble.errno or 0, type(trouble).__name__)


def _name(number: int) -> str:
    return f"{number:012d}{SUFFIX}"


def _number(name: str) -> int | None:
    stem = name.removesuffix(SUFFIX)
    return int(stem) if stem != name and stem.isdecimal() else None
