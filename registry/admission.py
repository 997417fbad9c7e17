"""Who gets a number: pure decisions that a registry transaction asks.

Law: N = max + 1 and never reused; one LINE bot is connected once; live connections are counted against the plan. A
draft is an attempt that did not come to its end: the next attempt for the same channel takes it up.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from registry.applications import Application
from registry.secrets import seal, with_secret, with_token
from runtime.refusal import REFUSED, Refusal
from runtime.sealing import SealingKey
from runtime.settings import Settings
from schemas.connections import ConnectionRecord, Status

Connections = Mapping[int, ConnectionRecord]


def admitted(
    known: Connections, application: Application, bot_user_id: str, key: SealingKey, settings: Settings, now: int
) -> ConnectionRecord:
    """The draft of a connection that a person adds; Refusal 4 when it is connected already or the plan is full."""
    refuse_twins(known, bot_user_id, application.channel_id)
    draft = _by_channel(known, application.channel_id)
    if draft is not None:
        return _updated(draft, application, key, now)
    return _new(known, application, key, settings, now, "draft")


def kept(
    known: Connections, application: Application, key: SealingKey, settings: Settings, now: int
) -> ConnectionRecord | None:
    """The record of an entry of CONNECTIONS_FILE: a new one, the known one brought up to date, None if removed."""
    before = _by_channel(known, application.channel_id)
    if before is None:
        if any(record.channel_id == application.channel_id for record in known.values()):
            return None  # someone removed it; the file does not bring it back
        return _new(known, application, key, settings, now, "properties_pending")
    after = _updated(before, application, key, now)
    return msgspec.structs.replace(after, status="properties_pending") if before.status == "draft" else after


def refuse_twins(known: Connections, bot_user_id: str, channel_id: str, number: int | None = None) -> None:
    """Refusal 4 when another live connection (not `number`) speaks for the same bot or channel."""
    for other in known.values():
        if other.number == number or other.status in {"draft", "removed"}:
            continue
        if other.bot_user_id == bot_user_id or other.channel_id == channel_id:
            raise Refusal(
                REFUSED,
                "already_connected",
                f"this LINE Official Account is connected already, as number {other.number}",
                next_step=f"friendstream connections show {other.number}",
            )


def _by_channel(known: Connections, channel_id: str) -> ConnectionRecord | None:
    found = [record for record in known.values() if record.channel_id == channel_id and record.status != "removed"]
    return found[0] if found else None


def _new(
    known: Connections, application: Application, key: SealingKey, settings: Settings, now: int, status: Status
) -> ConnectionRecord:
    live = sum(record.status != "removed" for record in known.values())
    if settings.plan.limit is not None and live >= settings.plan.limit:
        whom = f"; ask {settings.support_contact}" if settings.support_contact else ""
        raise Refusal(
            REFUSED,
            "plan_limit",
            f"the plan {settings.plan.name} allows {settings.plan.limit} connections, and there are {live}",
            where="FRIENDSTREAM_PLAN",
            next_step=f"remove a connection, or choose a larger plan{whom}",
        )
    number = max(known, default=0) + 1
    return ConnectionRecord(
        number=number,
        status=status,
        name=application.name or application.channel_id,
        description=application.description,
        icon=application.icon,
        channel_id=application.channel_id,
        secrets=(seal(key, number, "secret", application.channel_secret.reveal()),),
        token=seal(key, number, "token", application.token.reveal()) if application.token else None,
        created_at=now,
        version=0,
    )


def _updated(record: ConnectionRecord, application: Application, key: SealingKey, now: int) -> ConnectionRecord:
    record = with_secret(record, key, application.channel_secret.reveal(), now)
    record = with_token(record, key, application.token.reveal() if application.token else None)
    return msgspec.structs.replace(
        record,
        name=application.name or record.name,
        description=application.description or record.description,
        icon=application.icon or record.icon,
    )
