"""The one codec of the wire: frozen records to JSON bytes and back.

Law: what is absent is left out (no field is ever null), what is unknown is ignored, and the bytes of a record are
those that orjson would write for the same value. Bytes that do not fit a record raise `Unreadable`, never anything
else, and the message never quotes them: they may hold personal data.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
import orjson


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value on the wire: immutable, typed, absent fields left out."""


R = TypeVar("R")


class Unreadable(ValueError):
    """These bytes are not such a record. `reason` is one of the codes of `schemas.dead_letters`."""

    def __init__(self, reason: str = "unreadable") -> None:
        super().__init__(reason)
        self.reason = reason


_encoder = msgspec.json.Encoder()
encode: Callable[[object], bytes] = _encoder.encode


def decoder(of: type[R]) -> Callable[[bytes], R]:
    """Make the reader of one record type; keep it, for making one is dear. Raises `Unreadable` on bad bytes."""
    read = msgspec.json.Decoder(of).decode

    def decode_one(raw: bytes) -> R:
        try:
            return read(raw)
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            raise Unreadable from None  # the original message may quote content

    return decode_one


def digest_of(properties: Mapping[str, str]) -> str:
    """First 16 hex digits of SHA-256 over the properties as orjson writes them with sorted keys."""
    return hashlib.sha256(orjson.dumps(properties, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def canonical(value: Any) -> bytes:
    """The one byte form of a JSON value that hashes are taken over: orjson, keys sorted.

    Integers beyond 64 bits, which orjson refuses, are written as they are.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return msgspec.json.encode(value, order="sorted")
