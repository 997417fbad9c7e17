"""What is in a frame: the records of one webhook, sealed.

Law: no byte of an event is on the disk in clear. An event that went this way says so: its origin becomes `spool`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ingress.records import KafkaRecord
from ingress.spool.frames import Frame, frame
from runtime.sealing import NotOpened, SealingKey
from schemas.codec import Unreadable, encode
from schemas.events import read_event_record
from schemas.topics import EVENTS

_CONTEXT = "ingress/spool"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[KafkaRecord]).decode


class Unopened(Exception):
    """A whole frame that our key does not open: it was changed on purpose, or another version wrote it."""


class Contents:
    """Seals and opens frames with one key."""

    def __init__(self, key: SealingKey) -> None:
        self._key = key
        self.key = bytes.fromhex(key.id[1:])

    def close(self, records: Sequence[KafkaRecord]) -> bytes:
        """The frame of these records, events marked as spooled."""
        marked = [_marked(record) for record in records]
        return frame(self.key, self._key.seal_bytes(_encode(marked), _CONTEXT), events_in(records))

    def open(self, one: Frame) -> list[KafkaRecord]:
        """The records in the frame; raises Unopened."""
        try:
            return _decode(self._key.open_bytes(one.payload, _CONTEXT))
        except (NotOpened, msgspec.MsgspecError):
            raise Unopened from None


class Outcome(NamedTuple):
    """What became of one append: nothing, or why it was refused (a word, never content)."""

    refused: str | None = None


def events_in(records: Sequence[KafkaRecord]) -> int:
    """How many of the records are events; the others are dead letters."""
    return sum(record.topic == EVENTS.name for record in records)


def _marked(record: KafkaRecord) -> KafkaRecord:
    if record.topic != EVENTS.name:
        return record
    try:
        event = read_event_record(record.value)
        return record._replace(value=encode(msgspec.structs.replace(event, origin="spool")))
    except (Unreadable, RecursionError):  # nested as deep as could just be written
        return record
