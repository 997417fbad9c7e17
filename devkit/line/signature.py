"""The signature covers the exact bytes that are sent (facts/line.md 3); a body can be written in more than one way."""

import base64
import hashlib
import hmac
import json
from typing import Any

Json = dict[str, Any]

HEADER = "x-line-signature"


def sign(secret: str, body: bytes) -> str:
    """Return `x-line-signature` of a body: base64 of HMAC-SHA256 keyed with the channel secret."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def encode(payload: Json, *, escape: bool) -> bytes:
    """Write JSON as LINE does: characters beyond ASCII escaped (`\\ud83e\\udd28`) or as UTF-8.

    A lone surrogate has no UTF-8, so a text that holds one is always escaped.
    """
    if not escape:
        try:
            return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            pass
    return json.dumps(payload, ensure_ascii=True, separators=(",", ":")).encode()
