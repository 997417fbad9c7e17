"""The secrets of a connection, sealed.

Law: a secret leaves this process only sealed, and a box opens only for the connection and the field it was sealed for
(associated data). The channel secret that is newest stands first; older ones live until their time.
"""

from __future__ import annotations

import contextlib
from typing import Literal

import msgspec

from runtime.sealing import Box, NotOpened, SealingKey
from schemas.connections import ConnectionRecord, SealedSecret

Field = Literal["secret", "token"]
OLD_SECRET_LIVES_MS = 24 * 3_600_000  # events signed before a change of the secret still arrive


def context(number: int, field: Field) -> str:
    """The associated data of a box: connection and field."""
    return f"connections/{number}/{field}"


def seal(key: SealingKey, number: int, field: Field, plain: str) -> SealedSecret:
    """Seal one secret of connection `number`."""
    box = key.seal(plain.encode(), context(number, field))
    return SealedSecret(key=box.key, box=box.box)


def live_secrets(record: ConnectionRecord, key: SealingKey, now: int) -> list[bytes]:
    """The channel secrets that may have signed a webhook now, newest first; raises NotOpened."""
    live = [sealed for sealed in record.secrets if sealed.until is None or sealed.until > now]
    return [_opened(key, record.number, "secret", sealed) for sealed in live]


def channel_secret(record: ConnectionRecord, key: SealingKey) -> str | None:
    """The newest channel secret; None once the connection has none."""
    return _opened(key, record.number, "secret", record.secrets[0]).decode() if record.secrets else None


def token(record: ConnectionRecord, key: SealingKey) -> str | None:
    """The pasted long-lived token; None where tokens are issued per use."""
    return _opened(key, record.number, "token", record.token).decode() if record.token else None


def with_secret(record: ConnectionRecord, key: SealingKey, plain: str, now: int) -> ConnectionRecord:
    """The record with `plain` as its newest channel secret; the one before lives on for a day.

    Secrets that another SECRET_KEY sealed are lost to us, and dropped.
    """
    try:
        if channel_secret(record, key) == plain:
            return record
    except NotOpened:
        record = msgspec.structs.replace(record, secrets=())
    older = tuple(
        msgspec.structs.replace(sealed, until=sealed.until or now + OLD_SECRET_LIVES_MS)
        for sealed in record.secrets
        if sealed.until is None or sealed.until > now
    )
    return msgspec.structs.replace(record, secrets=(seal(key, record.number, "secret", plain), *older))


def with_token(record: ConnectionRecord, key: SealingKey, plain: str | None) -> ConnectionRecord:
    """The record with `plain` as its pasted token, or with none."""
    with contextlib.suppress(NotOpened):
        if token(record, key) == plain:
            return record
    sealed = None if plain is None else seal(key, record.number, "token", plain)
    return msgspec.structs.replace(record, token=sealed)


def _opened(key: SealingKey, number: int, field: Field, sealed: SealedSecret) -> bytes:
    return key.open(Box(sealed.key, sealed.box), context(number, field))
