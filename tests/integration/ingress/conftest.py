from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
import orjson
import pytest

from ingress.app import make_app
from ingress.append import Append
from ingress.connections import LiveConnection
from ingress.reception import Limits
from ingress.records import KafkaRecord
from ingress.room import Room
from ingress.serving import serving
from ingress.tally import Tally
from ingress.webhook import Signer

SECRETS = (b"0123456789abcdef0123456789abcdef", b"the secret before")
BOT = "U11111111111111111111111111111111"


@dataclass
class KeptRecords:
    """An append that keeps what it is given; `gate` holds its acknowledgements back, `fault` is raised instead."""

    records: list[KafkaRecord] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    fault: Exception | None = None

    def __post_init__(self) -> None:
        self.gate.set()

    async def append(self, records: Sequence[KafkaRecord]) -> None:
        self.records.extend(records)
        self.arrived.set()
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault


@dataclass
class Ingress:
    """A running ingress and how to talk to it."""

    url: str
    session: aiohttp.ClientSession
    tally: Tally
    room: Room
    stop: Callable[[], Awaitable[None]]

    async def post(
        self,
        body: bytes,
        *,
        number: str = "1",
        secret: bytes = SECRETS[0],
        signature: str | None = None,
        signed: bool = True,
    ) -> aiohttp.ClientResponse:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if signed:
            headers["X-Line-Signature"] = signature if signature is not None else Signer(secret).sign(body).decode()
        async with self.session.post(f"{self.url}/line/{number}", data=body, headers=headers) as response:
            await response.read()
            return response

    async def post_chunks(self, body: bytes) -> int:
        """Send the body chunked, without its length; the status of the answer."""

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 65_536):
                yield body[start : start + 65_536]

        headers = {"X-Line-Signature": Signer(SECRETS[0]).sign(body).decode()}
        async with self.session.post(f"{self.url}/line/1", data=chunks(), headers=headers) as response:
            return response.status

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.url + path) as response:
            return response.status, await response.text()


Start = Callable[..., Awaitable[Ingress]]


@pytest.fixture
async def start_ingress() -> AsyncIterator[Start]:
    """`await start_ingress(append, limits=..., partitions=...)`: serves connection 1 on a free port."""
    async with AsyncExitStack() as stack:

        async def start(
            append: Append, *, limits: Limits | None = None, partitions: int = 4, room: Room | None = None
        ) -> Ingress:
            limits = limits or Limits()
            room = room or Room(limits.requests, limits.bytes_in_flight)
            tally = Tally(room)
            connection = LiveConnection(1, tuple(Signer(secret) for secret in SECRETS), BOT)
            app = make_app(
                connections={1: connection},
                append=append,
                partitions=partitions,
                room=room,
                tally=tally,
                limits=limits,
                ready=lambda: True,
            )
            server = await stack.enter_async_context(AsyncExitStack())
            url = await server.enter_async_context(serving(app, "127.0.0.1", 0))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Ingress(url, session, tally, room, server.aclose)

        yield start


@pytest.fixture
def kept() -> KeptRecords:
    return KeptRecords()


@pytest.fixture
def body_of() -> Callable[..., bytes]:
    def make(*users: str, destination: str = BOT) -> bytes:
        events = [
            {
                "type": "message",
                "message": {"type": "text", "id": str(number), "text": "テスト"},
                "webhookEventId": f"01K8{number:022d}",
                "timestamp": 1760922682123 + number,
                "source": {"type": "user", "userId": user},
            }
            for number, user in enumerate(users)
        ]
        return orjson.dumps({"destination": destination, "events": events})

    return make
