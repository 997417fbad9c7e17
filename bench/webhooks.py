"""Signed webhooks for the bench, the same in every process for the same arguments."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from ingress.webhook import Signer

SECRET = b"0123456789abcdef0123456789abcdef"
BOT = "U11111111111111111111111111111111"
FIRST_TIME = 1_760_922_682_000
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TEXT = "予約を金曜の夜に変えたいのですが、空いていますか？ table for two, please"


class Signed(NamedTuple):
    """A body and its signature."""

    body: bytes
    signature: bytes


def user_id(number: int) -> str:
    """The user id of friend `number`."""
    return f"U{number:032x}"


def ulid(at: int, number: int) -> str:
    """An event id whose time part is `at` (ms)."""
    value = (at << 80) | number
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def message(number: int, friend: int, *, at: int | None = None) -> dict[str, object]:
    """Text message `number`, from one friend: about 480 bytes with its envelope, as LINE sends it."""
    at = FIRST_TIME + number if at is None else at
    return {
        "type": "message",
        "message": {"type": "text", "id": f"{590_000_000_000_000_000 + number}", "quoteToken": "q" * 40, "text": TEXT},
        "webhookEventId": ulid(at, number),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": at,
        "source": {"type": "user", "userId": user_id(friend)},
        "replyToken": f"b{number:031x}",
        "mode": "active",
    }


def body_of(*events: dict[str, object]) -> bytes:
    """The webhook around the events."""
    return orjson.dumps({"destination": BOT, "events": events})


def signed_webhooks(count: int, friends: int) -> list[Signed]:
    """So many webhooks of one event each, over so many friends."""
    signer = Signer(SECRET)
    bodies = [body_of(message(number, number * 7919 % friends)) for number in range(count)]
    return [Signed(body, signer.sign(body)) for body in bodies]
