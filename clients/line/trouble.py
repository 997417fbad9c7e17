"""The one error of LINE's door.

Law: trouble is told apart by the HTTP status; LINE's texts may change (facts/line.md 21), so only three of them refine
it. Nothing of a request or answer is quoted: they hold personal data and tokens.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

import orjson

Reason = Literal[
    "bad_request",
    "invalid_reply_token",
    "unauthorized",
    "forbidden",
    "not_found",
    "retry_key_used",
    "rate_limited",
    "quota_exhausted",
    "refused",
    "server_trouble",
    "timed_out",
    "unreachable",
    "unreadable_answer",
]
_BY_STATUS: Mapping[int, Reason] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "retry_key_used",
    429: "rate_limited",
}
_PASSING: frozenset[Reason] = frozenset(
    ("rate_limited", "server_trouble", "timed_out", "unreachable", "unreadable_answer")
)


class LineTrouble(Exception):
    """LINE refused, or did not answer: `status` is None where no HTTP answer came; `at` = its Date in ms, if any."""

    def __init__(
        self, status: int | None, reason: Reason, *, at: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(f"LINE: {reason}" + (f" ({status})" if status is not None else ""))
        self.status = status
        self.reason = reason
        self.at = at
        self.request_id = request_id

    @property
    def passes(self) -> bool:
        """Whether the same call may succeed later: 5xx, 429 of the rate kind, time-outs, no connection."""
        return self.reason in _PASSING


def trouble_of(status: int, headers: Mapping[str, str] | None, body: object) -> LineTrouble:
    """The trouble behind an HTTP answer that is no success."""
    given = headers or {}
    return LineTrouble(
        status,
        _reason(status, body),
        at=date_of(given),
        request_id=given.get("x-line-accepted-request-id") or given.get("x-line-request-id"),
    )


def date_of(headers: Mapping[str, str]) -> int | None:
    """The `Date` header in ms; None where it is missing or no date."""
    try:
        return int(parsedate_to_datetime(headers.get("Date", "")).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return None


def _reason(status: int, body: object) -> Reason:
    message = _message(body)
    if status == 400 and message == "Invalid reply token":
        return "invalid_reply_token"
    if status == 429 and "monthly limit" in message:
        return "quota_exhausted"
    if status >= 500:
        return "server_trouble"
    return _BY_STATUS.get(status, "refused")


def _message(body: object) -> str:
    if not isinstance(body, str | bytes):
        return ""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    message = found.get("message") if isinstance(found, dict) else None
    return message if isinstance(message, str) else ""
