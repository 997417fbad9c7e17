"""HubSpot's answers, read as if any field may be absent or of another type.

Law: what is kept of an error is names, ids and codes. Its message may quote values, so it is searched here for what we
need to know and then dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from domain.batch_answers import BatchAnswer, Found, ItemError
from domain.quota import Limits

_EXISTING = re.compile(r"Existing ID:\s*(\d+)")
_BLOCKLISTED = re.compile(r"gdpr|black-?list|block-?list|privacy[ _-]delet", re.IGNORECASE)
_NOT_VALID_EMAIL = re.compile(r"not a valid email|email address .* is invalid", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"[A-Z][A-Z0-9_.]{2,63}|[A-Z][A-Za-z]{2,40}(?:\.[A-Z_]{2,63})+")
_NAME = re.compile(r"[a-z0-9_]{1,100}")
_PROPERTY = re.compile(r'Property "([a-z0-9_]{1,100})" does not exist')


def limits_of(headers: Mapping[str, str]) -> Limits:
    """The rate-limit headers; they are absent on some calls, and some are deprecated (facts/hubspot.md 12)."""
    interval = _whole(headers.get("X-HubSpot-RateLimit-Interval-Milliseconds"))
    return Limits(
        most=_whole(headers.get("X-HubSpot-RateLimit-Max")),
        remaining=_whole(headers.get("X-HubSpot-RateLimit-Remaining")),
        interval=interval / 1000 if interval else None,
        daily=_whole(headers.get("X-HubSpot-RateLimit-Daily")),
        daily_remaining=_whole(headers.get("X-HubSpot-RateLimit-Daily-Remaining")),
    )


def correlation_of(headers: Mapping[str, str], body: Any) -> str | None:
    """HubSpot's id of this call, for its support."""
    found = headers.get("X-HubSpot-Correlation-Id") or _text(_object(body).get("correlationId"))
    return found if found and re.fullmatch(r"[\w.:-]{1,80}", found) else None


def document(raw: bytes) -> Any:
    """The JSON of a body; None where it is none, as from an edge server."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def batch_answer(status: int, headers: Mapping[str, str], body: Any) -> BatchAnswer:
    """An answer of 2xx to a batch call."""
    whole = _object(body)
    return BatchAnswer(
        status=status,
        found=tuple(found for entry in _list(whole.get("results")) if (found := contact(entry)) is not None),
        errors=tuple(item_error(entry) for entry in _list(whole.get("errors"))),
        correlation=correlation_of(headers, body),
        limits=limits_of(headers),
    )


def refusal(status: int, headers: Mapping[str, str], body: Any) -> BatchAnswer:
    """An answer of 4xx: one error that belongs to something in the call; without a category its status is the code."""
    error = item_error(_object(body))
    if error.category is None:
        category = "CONFLICT" if status == 409 else "VALIDATION_ERROR"
        error = replace(error, category=category, codes=error.codes or (f"HTTP_{status}",))
    return BatchAnswer(
        status=status, errors=(error,), correlation=correlation_of(headers, body), limits=limits_of(headers)
    )


def contact(entry: Any) -> Found | None:
    """One contact of an answer; None without an id."""
    fields = _object(entry)
    record_id = _id(fields.get("id"))
    if record_id is None:
        return None
    return Found(
        id=record_id,
        properties={name: _text(text) for name, text in _object(fields.get("properties")).items()},
        trace=_text(fields.get("objectWriteTraceId")),
        created_at=instant(fields.get("createdAt")),
        updated_at=instant(fields.get("updatedAt")),
        archived_at=instant(fields.get("archivedAt")),
    )


def item_error(entry: Any) -> ItemError:
    """One error, of an item or of the whole call."""
    fields, context = _object(entry), _object(_object(entry).get("context"))
    message = _text(fields.get("message")) or ""
    details = [*_listed_in(message), *(_object(detail) for detail in _list(fields.get("errors")))]
    codes = [code for detail in details for code in (_code(detail.get("error")), _code(detail.get("code"))) if code]
    codes += [code for code in (_code(fields.get("subCategory")), _code(fields.get("code"))) if code]
    if not codes and _NOT_VALID_EMAIL.search(message):
        codes = ["INVALID_EMAIL"]
    named = [*_names(details), *_PROPERTY.findall(message)]
    if not named and "INVALID_EMAIL" in codes:
        named = ["email"]
    existing = [one for given in _list(context.get("existingId")) if (one := _id(given))]
    return ItemError(
        category=_code(fields.get("category")) or _code(fields.get("errorType")),
        codes=tuple(dict.fromkeys(codes)),
        properties=tuple(dict.fromkeys(named)),
        traces=tuple(_texts(context.get("objectWriteTraceId"))),
        ids=tuple(_texts(context.get("ids"))),
        existing_ids=tuple(existing or _EXISTING.findall(message)[:1]),
        blocklisted=_says_blocklisted(message, codes, named),
    )


def rate_limit_policy(body: Any) -> str:
    """Which limit a 429 is about: both shapes of its body."""
    fields = _object(body)
    policy = _code(fields.get("policyName"))
    if policy:
        return policy
    message = (_text(fields.get("message")) or "").lower()
    for word, name in (("daily", "DAILY"), ("ten_secondly", "TEN_SECONDLY_ROLLING"), ("secondly", "SECONDLY")):
        if word in message:
            return name
    return "UNKNOWN"


def scopes_needed(body: Any) -> tuple[str, ...]:
    """The scopes that a 403 names."""
    named = [
        scope
        for detail in _list(_object(body).get("errors"))
        for key in ("requiredGranularScopes", "requiredScopes")
        for scope in _texts(_object(_object(detail).get("context")).get(key))
    ]
    return tuple(dict.fromkeys(scope for scope in named if re.fullmatch(r"[\w.-]{1,80}", scope)))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, where HubSpot says so; at most a day."""
    found = _whole(headers.get("Retry-After"))
    return None if found is None else float(min(max(found, 0), 86_400))


def instant(value: Any) -> int | None:
    """Milliseconds of an ISO 8601 time."""
    text = _text(value)
    if not text:
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _listed_in(message: str) -> list[dict[str, Any]]:
    """The list that HubSpot writes as JSON text inside `Property values were not valid: [..]`."""
    start = message.find("[{")
    found = document(message[start:].encode("utf-8", "replace")) if start >= 0 else None
    return [_object(entry) for entry in _list(found)]


def _says_blocklisted(message: str, codes: list[str], named: list[str]) -> bool:
    """The code is not published. A message about another property may quote a friend's words, and proves nothing."""
    return set(named) <= {"email"} and bool(_BLOCKLISTED.search(" ".join([message, *codes])))


def _names(details: list[dict[str, Any]]) -> list[str]:
    named: list[str] = []
    for detail in details:
        given = [_text(detail.get("name")), *_texts(_object(detail.get("context")).get("propertyName"))]
        named += [name for name in given if name and _NAME.fullmatch(name)]
    return named


def _code(value: Any) -> str | None:
    text = _text(value)
    return text if text and _CODE.fullmatch(text) else None


def _id(value: Any) -> str | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)
    return text if text and text.isdecimal() else None


def _whole(value: str | None) -> int | None:
    return int(value) if value is not None and value.strip().isdecimal() else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    return [entry for entry in _list(value) if isinstance(entry, str) and entry]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
