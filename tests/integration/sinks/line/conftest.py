"""The LINE sink in a process of its own, on real Kafka, with a simulated LINE."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from clients.line import LineApi
from devkit.line import LineSimulator
from devkit.line.model import Account, Person
from registry.applications import Application
from registry.connect import Connector
from registry.log import Registry
from registry.properties import PropertiesReport
from runtime.appender import Appender
from runtime.log_reader import committed, end_offsets, read_log
from runtime.process import read_document, run_document_path
from runtime.sealing import SealingKey
from runtime.settings import Secret, Settings
from schemas.codec import encode
from schemas.connections import ConnectionRecord
from schemas.requests import MessageRequest, Request, request_id
from schemas.results import Result, read_result
from schemas.topics import LINE_GROUP, REQUESTS, RESULTS

ENTRY = """
import asyncio, sys
from runtime.logs import configure
from runtime.process import until_stopped
from runtime.refusal import Refusal
from runtime.settings import Settings
from sinks.line.run import run

async def main():
    settings = Settings.load()
    configure(settings, "line")
    await run(settings, settings.kafka, await until_stopped())

try:
    asyncio.run(main())
except Refusal as refusal:
    print(refusal, file=sys.stderr)
    sys.exit(refusal.exit_code)
"""


@dataclass
class World:
    """Everything around the sink, and the sink itself as a child process."""

    line: LineSimulator
    settings: Settings
    environ: dict[str, str]
    brokers: str
    appender: Appender
    connector: Connector
    partitions: int
    children: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def connect(self, account: Account) -> ConnectionRecord:
        application = Application(
            channel_id=account.channel_id, channel_secret=Secret(account.channel_secret), webhook=False
        )
        return (await self.connector.apply([application]))[0]

    async def start(self) -> asyncio.subprocess.Process:
        """Start a sink and wait until it says that it is ready."""
        document = run_document_path(self.settings, "line")
        document.unlink(missing_ok=True)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ENTRY, env={**os.environ, **self.environ}, stderr=asyncio.subprocess.PIPE
        )
        self.children.append(child)
        async with asyncio.timeout(60):
            while not (read_document(document) or {}).get("ready"):
                if child.returncode is not None:
                    return child
                await asyncio.sleep(0.05)
        return child

    async def stop(self, child: asyncio.subprocess.Process, number: int = signal.SIGTERM) -> str:
        """End a sink; what it said on stderr."""
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)
        _, said = await asyncio.wait_for(child.communicate(), 30)
        return said.decode()

    def profile(self, friend: str, connection: int = 1, cause: str = "01J") -> Request:
        return Request(
            id=request_id(connection, friend, cause),
            kind="profile",
            friend=friend,
            connection=connection,
            requested_at=1,
            cause=cause,
        )

    def push(self, friend: str, text: str, requested_at: int, connection: int = 1) -> Request:
        return Request(
            id=request_id(connection, friend, f"desk:{text}"),
            kind="message",
            friend=friend,
            connection=connection,
            requested_at=requested_at,
            cause=f"desk:{text}",
            message=MessageRequest(kind="push", messages=({"type": "text", "text": text},), clears_unanswered=True),
        )

    async def ask(self, *requests: Request) -> None:
        await self.append([(request.friend.encode(), encode(request), []) for request in requests])

    async def append(self, records: list[Any]) -> None:
        await self.appender.append_by_key(REQUESTS.name, self.partitions, records)

    async def until(self, so: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(60):
            while not await so():  # noqa: ASYNC110  neither broker nor child sets an event
                await asyncio.sleep(0.05)

    async def idle(self) -> None:
        """Wait until every request is answered and committed."""

        async def all_done() -> bool:
            ends = await end_offsets(self.brokers, REQUESTS.name)
            done = {tp.partition: offset for tp, offset in (await committed(self.brokers, LINE_GROUP)).items()}
            return all(done.get(partition) == end for partition, end in ends.items())

        await self.until(all_done)

    async def results(self) -> list[tuple[int, Result]]:
        """Every result with its partition."""
        return [(record.partition, read_result(record.value)) async for record in read_log(self.brokers, RESULTS.name)]

    def people(self, account: Account, count: int) -> dict[str, Person]:
        """New friends of an account, by user id."""
        made = {}
        for number in range(count):
            person = self.line.add_user(f"Friend {number}")
            self.line.perform("follow", account, person)
            made[self.line.user_id(account, person)] = person
        return made


async def nothing_to_do(_: int) -> PropertiesReport:
    """HubSpot's part, which these tests do not need."""
    return PropertiesReport()


@pytest.fixture
async def world(topics: Settings, environ_for: Callable[..., dict[str, str]]) -> AsyncIterator[World]:
    async with LineSimulator(seed=1) as line, LineApi(line.url) as api:
        environ = environ_for(line_api_url=line.url, session_seconds=3)
        settings = Settings.load(environ)
        key = SealingKey.load(settings)
        connector = Connector(Registry(settings.kafka), api, key, nothing_to_do, settings)
        appender = Appender(settings.kafka, client_id="test")
        world = World(line, settings, environ, settings.kafka, appender, connector, settings.partitions)
        yield world
        for child in world.children:
            if child.returncode is None:
                await world.stop(child, signal.SIGKILL)
        await appender.stop()
