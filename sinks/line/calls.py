"""Calls to LINE on behalf of connections.

Law: before each call the lease is asked, and waited for: who may have lost its partitions calls nobody. A token that
LINE refuses is replaced once; if the new one is refused too, it is the connection that is in trouble, not the request.
One connection's calls never wait for another's. While an operator pauses the sink nobody is called at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from clients.line import LineTrouble
from registry.tokens import TokenSource
from runtime.clock import monotonic
from runtime.lease import Lease
from runtime.metrics import Metrics
from runtime.sealing import NotOpened
from schemas.connections import ConnectionRecord

T = TypeVar("T")
CallName = Literal["profile", "push", "reply"]
Pause = Callable[[float], Awaitable[None]]

AT_ONCE = 32  # calls in flight, by connection; LINE allows 2,000 a second and channel (facts/line.md 20)
_LOOK_AGAIN = 0.1


class TokenRefused(Exception):
    """LINE refuses the connection's id, secret or token, or we cannot open them: a person has to act."""


class Held(Exception):
    """An operator paused the sink before the call: wait until it is open, and look again what is to be done."""


@dataclass(slots=True, kw_only=True)
class LineCalls:
    """One door for all requests; `answered_at` = when LINE last answered anything without trouble (monotonic).

    `held` = whether an operator pauses the sink.
    """

    tokens: TokenSource
    lease: Lease
    metrics: Metrics
    now: Callable[[], float] = monotonic
    pause: Pause = asyncio.sleep
    held: Callable[[], bool] = lambda: False
    answered_at: float = float("-inf")
    _rooms: dict[int, asyncio.Semaphore] = field(default_factory=dict)

    async def call(self, name: CallName, record: ConnectionRecord, do: Callable[[str], Awaitable[T]]) -> T:
        """Call with a token of the connection; raises Held, TokenRefused, or LineTrouble about this call."""
        async with self._rooms.setdefault(record.number, asyncio.Semaphore(AT_ONCE)):
            for last in (False, True):
                token = await self._token(record)
                await self._until_owner()
                try:
                    answer = await do(token)
                except LineTrouble as trouble:
                    self._count(name, trouble)
                    if trouble.status != 401:
                        raise
                    self.tokens.drop(record, token)
                    if last:
                        raise TokenRefused(str(trouble)) from None
                else:
                    self.answered_at = self.now()
                    self.metrics.call(name, 200)
                    return answer
        raise AssertionError("the second try returns or raises")

    async def until_open(self) -> None:
        """Wait while an operator pauses the sink."""
        while self.held():
            await self.pause(_LOOK_AGAIN)

    async def _token(self, record: ConnectionRecord) -> str:
        await self._until_owner()
        try:
            return await self.tokens.token_of(record)
        except LineTrouble as trouble:
            self.metrics.call("token", trouble.status or trouble.reason)
            if trouble.passes:
                raise
            raise TokenRefused(str(trouble)) from None
        except NotOpened as closed:
            raise TokenRefused(str(closed)) from None

    async def _until_owner(self) -> None:
        while not self.lease.held():
            await self.pause(_LOOK_AGAIN)
        if self.held():
            raise Held

    def _count(self, name: CallName, trouble: LineTrouble) -> None:
        self.metrics.call(name, trouble.status or trouble.reason)
        if not trouble.passes and trouble.status != 401:
            self.answered_at = self.now()
