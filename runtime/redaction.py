"""What never reaches a log: ids of people in full, tokens, secrets.

Law: redaction works on the finished line, tracebacks included, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(?<![0-9A-Za-z])([UCRucr][0-9a-f]{4})[0-9a-f]{28}(?![0-9a-f])"), r"\1…"),
    (re.compile(r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]+"), r"\1 ***"),
    (re.compile(r"\bpat-[A-Za-z0-9-]{6,}"), "pat-***"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]+)+"), "***"),  # JSON web tokens
    (
        re.compile(
            r"(?i)((?:client_secret|channel_secret|access_token|client_assertion|api_key|password)[\"']?\s*[=:]\s*[\"']?)"
            r"[^\"'&\s,}]+"
        ),
        r"\1***",
    ),
)


class Redaction:
    """Rewrites lines; `secrets` are values that are hidden wherever they appear."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        hidden = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
        self._secrets = re.compile("|".join(re.escape(secret) for secret in hidden)) if hidden else None

    def __call__(self, line: str) -> str:
        if self._secrets is not None:
            line = self._secrets.sub("***", line)
        for pattern, replacement in _RULES:
            line = pattern.sub(replacement, line)
        return line
