"""Messages.

Law: a message is sent at most once and never called sent unless LINE said so. A push carries its request's id as retry
key on every try, so 409 means that an earlier try was accepted; trouble that passes is waited out until `not_after`,
and never past the 24 hours after which the key would send again (facts/line.md 15). A reply has no such key: where an
earlier try may have reached LINE, a used token is `unknown`, not refused.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from clients.line import Answer, Delivery, LineTrouble
from domain.retry import BackOff
from runtime.clock import now_ms
from schemas.connections import ConnectionRecord
from schemas.requests import MessageRequest, Request
from schemas.results import MessageResult, Result
from sinks.line.calls import Held, LineCalls, TokenRefused
from sinks.line.connections import Records, speaking
from sinks.line.line_time import result_time

KEY_LIVES_MS = 24 * 3_600_000 - 5 * 60_000  # from the request, which is older than the first try
_DOUBTFUL = frozenset(("timed_out", "unreachable", "server_trouble", "unreadable_answer"))

Verdict = Literal["sent", "already_sent", "refused", "unknown"]


class MessageDoor(Protocol):
    """The part of LineApi that sends."""

    async def push(
        self, token: str, to: str, messages: Sequence[Mapping[str, Any]], *, retry_key: str
    ) -> Answer[Delivery]: ...
    async def reply(self, token: str, reply_token: str, messages: Sequence[Mapping[str, Any]]) -> Answer[Delivery]: ...


class Messages:
    """Sends what message requests ask for; one at a time for each friend, in order."""

    def __init__(
        self,
        line: MessageDoor,
        calls: LineCalls,
        records: Records,
        *,
        chance: Callable[[], float],
        back_off: BackOff | None = None,
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._line = line
        self._calls = calls
        self._records = records
        self._chance = chance
        self._back_off = back_off or BackOff(first=0.5, most=60.0)
        self._now_ms = now_ms
        self._turns: weakref.WeakValueDictionary[tuple[int, str], asyncio.Lock] = weakref.WeakValueDictionary()

    async def answer(self, request: Request, *, tried_before: bool) -> Result:
        """Send; `tried_before` = an earlier owner of the partition may have tried."""
        turn = self._turns.setdefault((request.connection, request.friend), asyncio.Lock())
        async with turn:
            return await self._until_known(request, tried_before)

    async def _until_known(self, request: Request, tried_before: bool) -> Result:
        doubtful, failures = False, 0
        while True:
            await self._calls.until_open()
            record = await speaking(self._records, request.connection, self._calls.pause)
            if isinstance(record, str):
                return self._ended(request, "unknown" if doubtful else "refused", record)
            if self._now_ms() > _last_moment(request):
                return self._ended(request, "unknown" if doubtful else "refused", "too_late")
            try:
                return _delivered(request, await self._send(record, request))
            except Held:
                continue  # it may be too late for it by then
            except TokenRefused:
                return self._ended(request, "unknown" if doubtful else "refused", "token_rejected")
            except LineTrouble as trouble:
                if trouble.reason == "invalid_reply_token" and (doubtful or tried_before):
                    return self._ended(request, "unknown", trouble.reason, trouble)
                if not trouble.passes:
                    return self._ended(request, "refused", trouble.reason, trouble)
                doubtful = doubtful or trouble.reason in _DOUBTFUL
            failures += 1
            await self._calls.pause(self._back_off.delay(failures, self._chance()))

    async def _send(self, record: ConnectionRecord, request: Request) -> Answer[Delivery]:
        message = _message(request)
        if message.kind == "push":
            return await self._calls.call(
                "push",
                record,
                lambda token: self._line.push(token, request.friend, message.messages, retry_key=request.id),
            )
        reply_token = message.reply_token
        if reply_token is None:
            raise LineTrouble(None, "invalid_reply_token")
        return await self._calls.call(
            "reply", record, lambda token: self._line.reply(token, reply_token, message.messages)
        )

    def _ended(self, request: Request, verdict: Verdict, reason: str, trouble: LineTrouble | None = None) -> Result:
        """A message that was not sent, as far as is known; without an answer of LINE's, `at` is our clock."""
        at = trouble.at if trouble is not None and trouble.at is not None else self._now_ms()
        return _result(
            request,
            at,
            verdict,
            status=trouble.status if trouble is not None else None,
            line_request_id=trouble.request_id if trouble is not None else None,
            reason=reason,
        )


def _delivered(request: Request, answer: Answer[Delivery]) -> Result:
    already = answer.value.already
    return _result(
        request,
        answer.at,
        "already_sent" if already else "sent",
        status=409 if already else 200,
        line_request_id=answer.value.request_id,
    )


def _result(
    request: Request,
    at: int,
    verdict: Verdict,
    *,
    status: int | None = None,
    line_request_id: str | None = None,
    reason: str | None = None,
) -> Result:
    message = _message(request)
    return Result(
        request=request.id,
        kind="message",
        friend=request.friend,
        connection=request.connection,
        requested_at=request.requested_at,
        at=result_time(at),
        message=MessageResult(
            result=verdict,
            status=status,
            line_request_id=line_request_id,
            reason=reason,
            clears_unanswered=message.clears_unanswered,
            answers_at=message.answers_at,
        ),
    )


def _last_moment(request: Request) -> int:
    not_after = _message(request).not_after
    key_dies = request.requested_at + KEY_LIVES_MS
    return key_dies if not_after is None else min(not_after, key_dies)


def _message(request: Request) -> MessageRequest:
    assert request.message is not None  # sorted out on arrival
    return request.message
