"""Channel access tokens, per connection.

Law: a token is asked for when it is needed, kept in memory only, and renewed before it ends. One that LINE refused is
not handed out again. Stateless tokens have no cap, so issuing them disturbs no other tool (facts/line.md 8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from clients.line import IssuedToken, LineTrouble
from registry.secrets import channel_secret, token
from runtime.clock import monotonic
from runtime.sealing import SealingKey
from schemas.connections import ConnectionRecord

SPARE_SECONDS = 90.0  # renewed so long before its end


class Issuer(Protocol):
    """Who issues stateless tokens: LineApi."""

    async def issue_token(self, channel_id: str, secret: str) -> IssuedToken: ...


@dataclass(frozen=True, slots=True, repr=False)
class _Kept:
    token: str
    version: int
    ends: float


class TokenSource:
    """One cache for all connections; `now` is a monotonic clock in seconds."""

    def __init__(self, issuer: Issuer, key: SealingKey, *, now: Callable[[], float] = monotonic) -> None:
        self._issuer = issuer
        self._key = key
        self._now = now
        self._kept: dict[int, _Kept] = {}
        self._refused: dict[int, int] = {}  # connection -> version whose pasted token LINE refused
        self._asking: dict[int, asyncio.Lock] = {}

    async def token_of(self, record: ConnectionRecord) -> str:
        """A token for this connection; raises LineTrouble when LINE issues none (400: id or secret wrong)."""
        async with self._asking.setdefault(record.number, asyncio.Lock()):
            kept = self._kept.get(record.number)
            if kept is None or kept.version != record.version or kept.ends <= self._now():
                kept = await self._fresh(record)
                self._kept[record.number] = kept
            return kept.token

    def drop(self, record: ConnectionRecord, refused: str) -> None:
        """LINE answered 401 to this token: forget it, if it is still the one that is kept."""
        kept = self._kept.get(record.number)
        if kept is None or kept.token != refused:
            return
        del self._kept[record.number]
        if kept.ends == float("inf"):
            self._refused[record.number] = kept.version

    async def _fresh(self, record: ConnectionRecord) -> _Kept:
        pasted = token(record, self._key)
        if pasted is not None and self._refused.get(record.number) != record.version:
            return _Kept(pasted, record.version, float("inf"))
        secret = channel_secret(record, self._key)
        if secret is None:
            raise LineTrouble(None, "unauthorized")
        asked_at = self._now()
        issued = await self._issuer.issue_token(record.channel_id, secret)
        lives = max(issued.expires_in - SPARE_SECONDS, issued.expires_in / 2)
        return _Kept(issued.token, record.version, asked_at + lives)
