"""The pages over a worker that is a few lines of Python."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from domain.dead_letters import LetterBook
from processors.flow import FlowSnapshot
from runtime.letter_log import LetterRead
from runtime.settings import Settings
from schemas.codec import encode
from schemas.decisions import Because, DecisionRecord
from schemas.friends import ConnectionState, Contact, Follow, FriendState, Inbound, Profile
from schemas.marks import Cause
from web.pages import make_pages
from web.protocols import Ledger

FRIEND = "U" + "a" * 32
ELSEWHERE = "U" + "e" * 32
NOW = 1_763_800_000_000


@dataclass
class Rows:
    """Has one friend in partition 1; ELSEWHERE lives in partition 9."""

    is_ready: bool = True
    rows: dict[str, bytes] = field(default_factory=dict)

    def ready(self) -> bool:
        return self.is_ready

    def partition(self, friend: str) -> int:
        return 9 if friend == ELSEWHERE else 1

    def owns(self, partition: int) -> bool:
        return partition == 1

    def row(self, friend: str) -> bytes | None:
        return self.rows.get(friend)

    def flow(self) -> FlowSnapshot:
        return FlowSnapshot(
            ready=self.is_ready, received=7, sent=5, discarded={"unreadable": 1}, in_flight=1, changes=3, requests=2,
            runs=4, overruled=0, lag={"line.events.v1": 12}, partitions=(1,), rows=1, recovery_seconds=0.25,
            recovered_rows=1, uptime_seconds=9.87,
        )  # fmt: skip

    def metrics(self) -> bytes:
        return b"received_events_total 7.0\n"


def state_of(text: str = "hello") -> FriendState:
    known = ConnectionState(
        follow=Follow(value=True, at=NOW, id="e1"),
        inbound=Inbound(at=NOW, id="e2", message="m2", kind="text", text=text, retracted=False),
        linked_at=NOW,
        profile=Profile(name="<b>Taro</b>", found=True, at=NOW),
    )
    contact = Contact(id="90001", status="live", at=NOW)
    return FriendState(friend=FRIEND, revision=3, connections={"1": known}, contact=contact)


def decision(name: Any = "not_permitted") -> DecisionRecord:
    cause = Cause(id="01J", kind="unfollow", topic="line.events.v1", partition=1, offset=4)
    why = Because(contact="gone", since=NOW)
    return DecisionRecord(friend=FRIEND, connection=1, at=NOW, cause=cause, decision=name, revision=3, because=why)


Open = Callable[..., Awaitable[TestClient[Any, Any]]]


@pytest.fixture
def rows() -> Rows:
    return Rows(rows={FRIEND: encode(state_of())})


@pytest.fixture
async def browse(rows: Rows) -> AsyncIterator[Open]:
    """Opens the pages: `await browse(api_token="t")` gives a client."""
    clients: list[TestClient[Any, Any]] = []

    async def open_pages(
        ledger: Ledger | Exception | None = None, letters: LetterRead | Exception | None = None, **settings: str
    ) -> TestClient[Any, Any]:
        async def read(friend: str, partition: int) -> Ledger:
            assert (friend, partition) == (FRIEND, 1)
            if isinstance(ledger, Exception):
                raise ledger
            return ledger or Ledger((decision(),), (), complete=True)

        async def read_letters() -> LetterRead:
            if isinstance(letters, Exception):
                raise letters
            return letters or LetterRead(LetterBook(), complete=True)

        environ = {f"FRIENDSTREAM_{name.upper()}": value for name, value in settings.items()}
        client = TestClient(TestServer(make_pages(Settings.load(environ), rows, read, read_letters)))
        await client.start_server()
        clients.append(client)
        return client

    yield open_pages
    for client in clients:
        await client.close()
