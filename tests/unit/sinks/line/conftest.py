"""A LINE that answers as told, and a clock that only waiting moves."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from clients.line import Answer, Delivery, IssuedToken, LineTrouble, Profile
from registry.secrets import seal
from registry.tokens import TokenSource
from runtime.lease import Lease
from runtime.metrics import Metrics
from runtime.sealing import SealingKey
from schemas.connections import ConnectionRecord
from schemas.requests import MessageRequest, Request, request_id
from sinks.line.calls import LineCalls
from sinks.line.messages import Messages
from sinks.line.profiles import Profiles

DATE = 1_732_250_000_000


@dataclass
class FakeLine:
    """`script` holds what the next calls end in: a value to return, or a trouble to raise; then `otherwise`."""

    script: list[object] = field(default_factory=list)
    otherwise: object = field(default_factory=lambda: Profile("Mari", "https://p.example/1"))
    of_user: dict[str, object] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    issued: int = 0
    issue: list[LineTrouble] = field(default_factory=list)

    async def issue_token(self, channel_id: str, secret: str) -> IssuedToken:
        if self.issue:
            raise self.issue.pop(0) if len(self.issue) > 1 else self.issue[0]
        self.issued += 1
        return IssuedToken(f"token {self.issued} of {channel_id}", 900)

    async def _next(self, user: str) -> Any:
        await asyncio.sleep(0)
        answer = self.of_user.get(user) or (self.script.pop(0) if self.script else self.otherwise)
        if isinstance(answer, LineTrouble):
            raise answer
        return Answer(answer, DATE)

    async def profile(self, token: str, user_id: str) -> Any:
        self.calls.append(("profile", token, user_id))
        return await self._next(user_id)

    async def push(self, token: str, to: str, messages: Any, *, retry_key: str) -> Any:
        self.calls.append(("push", to, retry_key, tuple(messages)))
        return await self._next(to)

    async def reply(self, token: str, reply_token: str, messages: Any) -> Any:
        self.calls.append(("reply", reply_token, tuple(messages)))
        return await self._next(reply_token)


@dataclass
class Time:
    """Monotonic seconds; pausing is the only thing that takes time."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return DATE + int(self.seconds * 1000)

    async def pause(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


@dataclass
class Records:
    """The registry's view."""

    connections: dict[int, ConnectionRecord] = field(default_factory=dict)

    def get(self, number: int, /) -> ConnectionRecord | None:
        return self.connections.get(number)

    def set(self, number: int, **fields: Any) -> None:
        self.connections[number] = msgspec.structs.replace(self.connections[number], **fields)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def line() -> FakeLine:
    return FakeLine()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("line")


@pytest.fixture
def lease(time: Time) -> Lease:
    lease = Lease(1e9, time.now)
    lease.renew(0.0)
    return lease


@pytest.fixture
def key() -> SealingKey:
    return SealingKey("a key for tests only, never for anything else")


@pytest.fixture
def records(key: SealingKey) -> Records:
    return Records(
        {
            number: ConnectionRecord(
                number=number,
                status="connected",
                name="Shop",
                channel_id=f"200{number}",
                created_at=1,
                version=1,
                secrets=(seal(key, number, "secret", "s" * 32),),
            )
            for number in (1, 2)
        }
    )


@pytest.fixture
def calls(line: FakeLine, key: SealingKey, lease: Lease, metrics: Metrics, time: Time) -> LineCalls:
    return LineCalls(
        tokens=TokenSource(line, key, now=time.now), lease=lease, metrics=metrics, now=time.now, pause=time.pause
    )


@pytest.fixture
def profiles(line: FakeLine, calls: LineCalls, records: Records, time: Time) -> Profiles:
    return Profiles(line, calls, records, chance=lambda: 0.5, now_ms=time.now_ms)


@pytest.fixture
def messages(line: FakeLine, calls: LineCalls, records: Records, time: Time) -> Messages:
    return Messages(line, calls, records, chance=lambda: 0.5, now_ms=time.now_ms)


@pytest.fixture
def profile_request() -> Callable[..., Request]:
    def build(friend: str = "U1", connection: int = 1, cause: str = "01J", requested_at: int = DATE) -> Request:
        return Request(
            id=request_id(connection, friend, cause),
            kind="profile",
            friend=friend,
            connection=connection,
            requested_at=requested_at,
            cause=cause,
        )

    return build


@pytest.fixture
def message_request() -> Callable[..., Request]:
    def build(
        kind: Any = "push", friend: str = "U1", connection: int = 1, cause: str = "desk:1", **fields: Any
    ) -> Request:
        given = {"messages": ({"type": "text", "text": "hello"},), "clears_unanswered": True, **fields}
        return Request(
            id=request_id(connection, friend, cause),
            kind="message",
            friend=friend,
            connection=connection,
            requested_at=DATE,
            cause=cause,
            message=MessageRequest(kind=kind, **given),
        )

    return build


@pytest.fixture
def delivered() -> Callable[..., Delivery]:
    return lambda already=False: Delivery(already=already, request_id="line-request")
