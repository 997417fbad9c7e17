"""What the ingress knows of a connection.

Law: secrets are here only as signers, and an entry is made anew when its record changes or one of its secrets expires,
or is valid again because our clock was put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Protocol

from ingress.webhook import Signer
from runtime.sealing import NotOpened
from schemas.connections import ConnectionRecord

DEAF = frozenset({"draft", "removed"})


@dataclass(frozen=True, slots=True)
class LiveConnection:
    """A connection that accepts webhooks; `bot_user_id` is None while nobody has asked LINE for it."""

    number: int
    signers: tuple[Signer, ...]
    bot_user_id: str | None


class SecretsClosed(Exception):
    """The secrets of a connection cannot be opened: they were sealed with another key."""


class Connections(Protocol):
    """The connections by number; `get` raises SecretsClosed where it cannot be known who may sign."""

    def get(self, number: int, /) -> LiveConnection | None:
        """The connection, or None when there is none that accepts webhooks."""


class Records(Protocol):
    """The registry's view, as far as it is needed here."""

    def get(self, number: int, /) -> ConnectionRecord | None:
        """The newest record of the connection."""


@dataclass(frozen=True, slots=True)
class _Opened:
    record: ConnectionRecord
    since: float
    until: float
    connection: LiveConnection


class RegistryConnections:
    """Connections out of the registry; `open_secrets` unseals those that are live at a time (ms)."""

    def __init__(
        self,
        records: Records,
        open_secrets: Callable[[ConnectionRecord, int], Iterable[bytes]],
        now_ms: Callable[[], int],
    ) -> None:
        self._records = records
        self._open_secrets = open_secrets
        self._now_ms = now_ms
        self._opened: dict[int, _Opened] = {}

    def get(self, number: int, /) -> LiveConnection | None:
        """The connection, or None when it is unknown, a draft, or removed."""
        record = self._records.get(number)
        if record is None or record.status in DEAF:
            self._opened.pop(number, None)
            return None
        opened = self._opened.get(number)
        if opened is None or opened.record != record or self._is_over(opened):
            opened = self._opened[number] = self._open(record)
        return opened.connection

    def _is_over(self, opened: _Opened) -> bool:
        if opened.since == -inf and opened.until == inf:  # nearly all of them: the clock need not be asked
            return False
        return not opened.since <= self._now_ms() < opened.until

    def _open(self, record: ConnectionRecord) -> _Opened:
        now = self._now_ms()
        ends = [secret.until for secret in record.secrets if secret.until is not None]
        since = max((end for end in ends if end <= now), default=-inf)
        until = min((end for end in ends if end > now), default=inf)
        try:
            signers = tuple(Signer(secret) for secret in self._open_secrets(record, now))
        except NotOpened as trouble:
            raise SecretsClosed(f"connection {record.number}: {trouble}") from trouble
        return _Opened(record, since, until, LiveConnection(record.number, signers, record.bot_user_id))
