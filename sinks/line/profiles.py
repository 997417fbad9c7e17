"""Profiles.

Law: a profile never holds up anything for ever, and trouble never looks like an answer. 404 is an answer: not found.
While LINE answers nobody, a request waits as long as that lasts, its offset kept. Where LINE answers others, or refuses
the connection's token until a person acts, or answers what nobody can read, a request waits a bounded time and is then
dropped and counted: the friend's next event asks again after an hour, and a contact never waits for a profile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from clients.line import Answer, LineTrouble, Profile
from domain.retry import BackOff
from runtime.clock import now_ms
from schemas.requests import Request
from schemas.results import ProfileResult, Result
from sinks.line.calls import Held, LineCalls, TokenRefused
from sinks.line.connections import Records, speaking
from sinks.line.line_time import result_time

_BACK_OFF = BackOff(first=0.5, most=30.0)


@dataclass(frozen=True, slots=True)
class Discarded:
    """A request that led to nothing; `reason` is a code of a closed list."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds that one profile request waits although LINE answers others; `closed` = how long a bad token is known."""

    back_off: BackOff = _BACK_OFF
    trouble: float = 90.0
    rate_limited: float = 600.0
    unreadable: float = 10.0
    token: float = 60.0
    closed: float = 60.0


class ProfileDoor(Protocol):
    """The part of LineApi that reads profiles."""

    async def profile(self, token: str, user_id: str) -> Answer[Profile | None]: ...


Found = Answer[Profile | None] | Discarded
Question = tuple[int, str]


class Profiles:
    """Answers profile requests; a question that is open is not asked twice."""

    def __init__(
        self,
        line: ProfileDoor,
        calls: LineCalls,
        records: Records,
        *,
        chance: Callable[[], float],
        patience: Patience | None = None,
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._line = line
        self._calls = calls
        self._records = records
        self._chance = chance
        self._patience = patience or Patience()
        self._now_ms = now_ms
        self._open: dict[Question, tuple[int, asyncio.Task[Found]]] = {}
        self._closed_until: dict[int, float] = {}

    async def answer(self, request: Request) -> Result | Discarded:
        """Ask LINE, however long it takes within the law above."""
        found = await self._shared(request)
        if isinstance(found, Discarded):
            return found
        profile = found.value
        return Result(
            request=request.id,
            kind="profile",
            friend=request.friend,
            connection=request.connection,
            requested_at=request.requested_at,
            at=result_time(found.at),
            profile=ProfileResult(found=False)
            if profile is None
            else ProfileResult(found=True, name=profile.name, picture=profile.picture),
        )

    def abandon(self) -> None:
        """Stop asking: the partitions are another owner's now."""
        for _, task in self._open.values():
            task.cancel()

    async def _shared(self, request: Request) -> Found:
        """The answer to this question; one that was asked before the request was made is too old for it."""
        question = (request.connection, request.friend)
        asked_at, task = self._open.get(question, (-1, None))
        if task is None or asked_at < request.requested_at:
            mine = asyncio.create_task(self._found(*question))
            self._open[question] = (self._now_ms(), mine)
            mine.add_done_callback(lambda done: self._forget(question, done))
            task = mine
        return await asyncio.shield(task)

    def _forget(self, question: Question, done: asyncio.Task[Found]) -> None:
        if self._open.get(question, (0, None))[1] is done:
            del self._open[question]

    async def _found(self, connection: int, friend: str) -> Found:
        started, failures = self._calls.now(), 0
        while True:
            await self._calls.until_open()
            record = await speaking(self._records, connection, self._calls.pause)
            if isinstance(record, str):
                return Discarded(record)
            if self._closed_until.get(connection, 0.0) > self._calls.now():
                return Discarded("token_rejected")
            try:
                return await self._calls.call("profile", record, lambda token: self._line.profile(token, friend))
            except Held:
                continue
            except TokenRefused:
                given_up = self._waited(started, self._patience.token)
                if given_up:
                    self._closed_until[connection] = self._calls.now() + self._patience.closed
                    return Discarded("token_rejected")
            except LineTrouble as trouble:
                if not trouble.passes or self._too_long(started, trouble):
                    return Discarded(trouble.reason)
            failures += 1
            await self._calls.pause(self._patience.back_off.delay(failures, self._chance()))

    def _too_long(self, started: float, trouble: LineTrouble) -> bool:
        """Whether this request has waited enough: LINE answers others, or it answered this and nobody can read it."""
        if trouble.reason == "unreadable_answer":
            return self._waited(started, self._patience.unreadable)
        limit = self._patience.rate_limited if trouble.status == 429 else self._patience.trouble
        return self._calls.answered_at >= started and self._waited(started, limit)

    def _waited(self, started: float, limit: float) -> bool:
        return self._calls.now() - started >= limit
