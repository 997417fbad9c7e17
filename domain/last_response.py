"""What a salesperson is shown of a message, and what a text must look like to survive HubSpot.

Law: a shown text is a fixed point of `clean`: no control but newline and tab, no lone surrogate, LF only, no outer
blanks, at most 65,000 characters.
"""

import re
from typing import Any

MAX_CHARACTERS = 65_000  # a HubSpot text takes 65,536
MAX_KIND = 64
UNSENT = "[unsent]"
UNKNOWN = "unknown"

_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """The text as HubSpot can hold it."""
    if not text.isprintable():
        text = _FORBIDDEN.sub("", text.replace("\r\n", "\n"))
    text = text.strip()
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS].rstrip()


def name_of_kind(kind: object) -> str:
    """A kind as it may stand in a record of ours: LINE's word, or `unknown` where that is no word."""
    if kind == "message" or kind == "text":
        return kind
    if isinstance(kind, str) and 0 < len(kind) <= MAX_KIND and kind.isascii() and kind.isprintable():
        return kind
    return UNKNOWN


def shown(message: dict[str, Any], kind: str) -> str:
    """What is shown of a message of this kind: its text, or a word in brackets."""
    if kind == "text":
        text = message.get("text")
        return clean(text) if isinstance(text, str) else ""
    if kind == "file":
        return _labelled(kind, message.get("fileName"))
    if kind == "location":
        return _labelled(kind, message.get("title"))
    if kind == "sticker":
        keywords = message.get("keywords")
        words = keywords if isinstance(keywords, list) else []
        return _labelled(kind, ", ".join(word for word in words if isinstance(word, str)))
    return f"[{kind}]"


def _labelled(kind: str, detail: object) -> str:
    words = clean(detail) if isinstance(detail, str) else ""
    return clean(f"[{kind}: {words}]") if words else f"[{kind}]"
