"""line.requests.v1: what the fold and the pages ask of LINE.

Law: `id` is the idempotency key, made from connection, friend and cause, so that a replay asks for the same thing; for
messages it is also LINE's retry key.
"""

import hashlib
import uuid
from typing import Any, Literal

from schemas.codec import Record, decoder

_REQUESTS = uuid.UUID("6f1d6f0a-3a35-5f0e-9d2b-1f6b6c9f2a11").bytes


class MessageRequest(Record, frozen=True, kw_only=True):
    """A message to send: reply or push, not after a time (ms)."""

    kind: Literal["push", "reply"]
    reply_token: str | None = None
    messages: tuple[dict[str, Any], ...]
    not_after: int | None = None
    clears_unanswered: bool
    answers_at: int | None = None


class Request(Record, frozen=True, kw_only=True):
    """One request to LINE for one friend of one connection."""

    id: str
    kind: Literal["profile", "message"]
    friend: str
    connection: int
    requested_at: int
    cause: str
    message: MessageRequest | None = None


read_request = decoder(Request)


def request_id(connection: int, friend: str, cause: str) -> str:
    """uuid5 of connection, friend and cause: the same question has the same id."""
    name = f"{connection}\n{friend}\n{cause}".encode()
    raw = bytearray(hashlib.sha1(_REQUESTS + name, usedforsecurity=False).digest()[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x50, raw[8] & 0x3F | 0x80  # version and variant: uuid.uuid5 is five times as dear
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
