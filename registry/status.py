"""The status of a connection, as it follows from what was checked.

Law: a status is computed from findings, never set by hand; `draft`, `paused` and `removed` are decisions of people and
no finding changes them. What is not known yet leaves a connection pending, never broken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from schemas.connections import ConnectionRecord, Status

Attention = Literal["token_rejected", "webhook_off", "url_not_ours", "test_failed", "account_not_verified", "no_events"]
CheckName = Literal["token", "bot", "verified", "properties", "webhook"]
CheckResult = Literal["done", "warning", "failed", "pending", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of what was checked; `detail` is a sentence for people."""

    name: CheckName
    result: CheckResult
    detail: str

    def document(self) -> dict[str, str]:
        return {"name": self.name, "result": self.result, "detail": self.detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the checks found: None = could not be found out now."""

    token_ok: bool | None = None
    properties_ok: bool | None = None
    webhook: Attention | None = None
    checks: tuple[Check, ...] = field(default=())


def status_of(findings: Findings) -> tuple[Status, str | None]:
    """Status and reason: a refused token first, then properties, then the webhook."""
    if findings.token_ok is False:
        return "attention", "token_rejected"
    if findings.properties_ok is not True or findings.token_ok is None:
        return "properties_pending", None
    if findings.webhook is not None:
        return "attention", findings.webhook
    return "connected", None


def with_status(record: ConnectionRecord, findings: Findings) -> ConnectionRecord:
    """The record with the status that follows; a paused or removed one stays so."""
    if record.status in {"paused", "removed"}:
        return record
    status, reason = status_of(findings)
    return msgspec.structs.replace(record, status=status, reason=reason)
