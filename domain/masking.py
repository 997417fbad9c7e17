"""JSON of any kind, shown without what people wrote or are called.

Law: the structure is shown, and of the values only what cannot come from a person: words of closed lists, times,
counts, event ids. Every other text is its length, every other number "a number"; a name in the structure that looks
like an id is masked too, for a broken record may have anything anywhere.
"""

import re
from typing import Any

_WORDS = frozenset({
    "message", "follow", "unfollow", "unsend", "postback", "beacon", "join", "leave", "memberJoined", "memberLeft",
    "videoPlayComplete", "accountLink", "membership", "things", "module", "botSuspended", "botResumed", "activated",
    "deactivated", "delivery", "imported", "erase", "resync", "text", "image", "video", "audio", "file", "location",
    "sticker", "user", "group", "room", "active", "standby", "webhook", "spool", "import", "operator", "profile",
    "push", "reply", "sent", "already_sent", "refused", "unknown", "created", "updated", "adopted", "merged", "gone",
    "erased", "rejected", "parked", "alive", "archived", "restored", "drifted", "twin", "unanswered", "true", "false",
})  # fmt: skip
_WORD_NAMES = frozenset({
    "kind", "line_follow", "line_unanswered", "mode", "origin", "result", "type",
})  # fmt: skip
_COUNTED = frozenset({
    "at", "attempts", "confirmed_at", "connection", "duration", "emitted_at", "fileSize", "generation", "hubspot_at",
    "more_causes", "not_after", "offset", "partition", "read_at", "received_at", "requested_at", "revision", "since",
    "status", "timestamp", "until",
})  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_ID_NAMES = frozenset({"webhookEventId", "id", "cause"})
_OPEN_HEADERS = frozenset({"content-type", "ce_specversion", "ce_source", "ce_time"})
_DEEPEST, _LONGEST = 12, 20


def masked(value: Any, name: str = "", depth: int = 0) -> Any:
    """The JSON value with everything replaced that a person may have put there."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, name)
    if isinstance(value, int | float):
        return value if isinstance(value, int) and name in _COUNTED else "(a number)"
    if depth >= _DEEPEST:
        return "(deeper)"
    if isinstance(value, dict):
        shown = {_name(key): masked(inner, str(key), depth + 1) for key, inner in list(value.items())[:_LONGEST]}
        return shown if len(value) <= _LONGEST else shown | {"…": f"({len(value) - _LONGEST} more)"}
    items = [masked(inner, name, depth + 1) for inner in value[:_LONGEST]]
    return items if len(value) <= _LONGEST else [*items, f"({len(value) - _LONGEST} more)"]


def masked_key(key: bytes | None) -> str:
    """A record's key as far as it may be shown: `connection:N` whole, of anything else the first characters."""
    if key is None:
        return ""
    text = key.decode("utf-8", "replace")
    return text if re.fullmatch(r"connection:\d{1,9}", text) else f"{text[:5]}…" if len(text) > 8 else "…"


def _text(value: str, name: str) -> str:
    kind = re.sub(r"_\d+$", "", name)
    if (kind in _WORD_NAMES and value in _WORDS) or (name in _ID_NAMES and _ULID.fullmatch(value)):
        return value
    return f"({len(value)} characters)"


def _name(key: object) -> str:
    text = str(key)
    return text if _NAME.fullmatch(text) else f"({len(text)} characters)"


def masked_header(name: str, value: str) -> tuple[str, str]:
    """A header of ours as far as it may be shown; of a foreign one neither name nor value."""
    if name.startswith("dl_") or name in _OPEN_HEADERS:
        return name, value
    if name == "ce_type":
        return name, value if value.rpartition(".")[2] in _WORDS | {"outcome"} else f"({len(value)} characters)"
    if name == "ce_id":
        return name, _text(value, "id")
    return _name(name), f"({len(value)} characters)"
