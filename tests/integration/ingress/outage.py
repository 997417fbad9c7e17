"""An ingress process, a broker that can be killed, and friends who go on writing meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bench.webhooks import BOT, SECRET, body_of, message, user_id
from ingress.webhook import Signer
from registry.log import Registry
from registry.secrets import with_secret
from runtime.log_reader import read_log
from runtime.process import read_document, run_document_path
from runtime.sealing import SealingKey
from runtime.settings import Settings
from runtime.topics import create_topics
from schemas.connections import ConnectionRecord
from schemas.events import read_event_record
from schemas.topics import EVENTS

SECRET_KEY = "a key for tests only, never for anything else"
ANSWER_SECONDS = 1.2


@dataclass
class Role:
    """One role as a process of its own."""

    role: str
    environ: dict[str, str]
    log: Path
    child: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        return Settings.load(self.environ)

    def document(self) -> dict[str, Any]:
        return read_document(run_document_path(self.settings, self.role)) or {}

    def launch(self) -> None:
        """Start it and wait for nothing."""
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", "cli.main", "run", self.role],
                env=os.environ | self.environ,
                stderr=log,
                stdout=log,
            )

    async def start(self, timeout: float = 120) -> dict[str, Any]:
        """Start it and return its document once it is ready."""
        self.launch()
        assert self.child is not None
        async with asyncio.timeout(timeout):
            while True:
                assert self.child.poll() is None, self.log.read_text()[-3000:]
                document = self.document()
                if document.get("pid") == self.child.pid and document.get("ready"):
                    return document
                await asyncio.sleep(0.05)

    async def exit_code(self, timeout: float = 120) -> int:
        """Start it and return how it ended."""
        self.launch()
        assert self.child is not None
        return await asyncio.wait_for(asyncio.to_thread(self.child.wait), timeout)

    def kill(self) -> None:
        assert self.child is not None
        self.child.kill()
        self.child.wait()

    def stop(self, timeout: float = 30) -> int:
        """SIGTERM; the exit code."""
        assert self.child is not None
        self.child.terminate()
        return self.child.wait(timeout)

    def end(self) -> None:
        if self.child is not None and self.child.poll() is None:
            self.kill()


class Broker(Role):
    """Kafka as the role `broker`; the JVM is its child."""

    @property
    def jvm(self) -> int:
        assert self.child is not None
        return int(Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()[0])

    def kill_jvm(self) -> None:
        assert self.child is not None
        os.kill(self.jvm, signal.SIGKILL)
        self.child.wait(30)

    def freeze(self) -> None:
        os.kill(self.jvm, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.jvm, signal.SIGCONT)


class Outage:
    """The two processes, topics, and connection 1."""

    def __init__(self, home: Path, *, partitions: int = 4) -> None:
        self._home = home
        self._partitions = partitions
        shared = {"FRIENDSTREAM_SECRET_KEY": SECRET_KEY, "FRIENDSTREAM_PARTITIONS": str(partitions)}
        self.broker = Broker(
            "broker", shared | {"FRIENDSTREAM_DATA_DIR": str(home / "broker"), "FRIENDSTREAM_KAFKA": "embedded"},
            home / "broker.txt",
        )  # fmt: skip
        self.data_dir = home / "broker"
        self._shared = shared
        self.address = ""
        self._roles: list[Role] = [self.broker]

    async def __aenter__(self) -> Outage:
        self.address = (await self.broker.start())["url"]
        settings = self.ingress(self._home / "setup").settings
        await create_topics(self.address, settings)
        await connect(settings)
        return self

    async def __aexit__(self, *_: object) -> None:
        for role in reversed(self._roles):
            role.end()

    def ingress(self, data_dir: Path, **more: object) -> Role:
        """An ingress on this DATA_DIR; it is not started."""
        environ = self._shared | {
            "FRIENDSTREAM_KAFKA": self.address,
            "FRIENDSTREAM_DATA_DIR": str(data_dir),
            "FRIENDSTREAM_INGRESS_BIND": "127.0.0.1:0",
        }
        environ |= {f"FRIENDSTREAM_{name.upper()}": str(value) for name, value in more.items()}
        role = Role("ingress", environ, self._home / "ingress.txt")
        self._roles.append(role)
        return role

    async def logged(self) -> dict[str, list[int]]:
        """Per friend, the numbers of the events in the log, each where it came first."""
        found: dict[str, list[int]] = {}
        seen: set[int] = set()
        async for record in read_log(self.address, EVENTS.name):
            event = read_event_record(record.value).event
            number = int(event["message"]["id"])
            if number not in seen:
                seen.add(number)
                found.setdefault(event["source"]["userId"], []).append(number)
        return found


async def connect(settings: Settings) -> None:
    key = SealingKey.load(settings)

    def decide(known: dict[int, ConnectionRecord]) -> ConnectionRecord:
        record = ConnectionRecord(
            number=1, status="connected", name="n", channel_id="1", bot_user_id=BOT, created_at=1, version=1
        )
        return with_secret(record, key, SECRET.decode(), 1)

    await Registry(settings.kafka).transact(decide)


@dataclass
class Load:
    """Friends who write `rate` messages a second over `connections` kept connections, each friend over one of them.

    What this process itself came late by, on a machine with too much to do, is no part of an answer's time.
    """

    url: str
    rate: float
    friends: int = 200
    connections: int = 24
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    slow: int = 0
    broken: int = 0
    late: float = 0.0
    _number: int = 0
    _over: bool = False

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())

    @property
    def refused(self) -> int:
        """Answers other than 200: on a machine with far too much to do, some come from the deadline."""
        return self.answered - self.statuses[200]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Load]:
        signer = Signer(SECRET)
        tasks = [asyncio.create_task(self._one_connection(lane, signer)) for lane in range(self.connections)]
        tasks.append(asyncio.create_task(self._beat()))
        try:
            yield self
        finally:
            self._over = True
            await asyncio.gather(*tasks)

    async def _beat(self, pause: float = 0.02) -> None:
        while not self._over:
            due = time.monotonic() + pause
            await asyncio.sleep(pause)
            self.late += time.monotonic() - due

    async def _one_connection(self, lane: int, signer: Signer) -> None:
        parts = urlsplit(self.url)
        pause = self.connections / self.rate
        due = time.monotonic() + lane / self.rate
        stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._over:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + pause, time.monotonic() - 1.0)
            try:
                if stream is None:
                    stream = await asyncio.open_connection(parts.hostname, parts.port)
                await self._one_message(lane, signer, *stream)
            except (ConnectionError, asyncio.IncompleteReadError):  # the ingress was killed: LINE does not ask again
                self.broken += 1
                stream = None
                await asyncio.sleep(0.1)
        if stream is not None:
            stream[1].close()

    async def _one_message(
        self, lane: int, signer: Signer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._number += 1
        number = self._number
        friend = lane + self.connections * (number % max(1, self.friends // self.connections))
        body = body_of(
            message(number, friend) | {"message": {"type": "text", "id": str(number), "text": f"秘密 {number}"}}
        )
        writer.write(
            b"POST /line/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"x-line-signature: %b\r\nContent-Length: %d\r\n\r\n%b" % (signer.sign(body), len(body), body)
        )
        began, late = time.monotonic(), self.late
        answer = await reader.readuntil(b"\r\n\r\n")
        took = time.monotonic() - began - (self.late - late)
        status = int(answer[9:12])
        self.statuses[status] += 1
        self.slowest = max(self.slowest, took)
        self.slow += took >= ANSWER_SECONDS
        if status == 200:
            self.acknowledged.setdefault(user_id(friend), []).append(number)

    def lost(self, logged: dict[str, list[int]]) -> set[int]:
        """The acknowledged messages that are not in the log."""
        there = {number for numbers in logged.values() for number in numbers}
        return {number for numbers in self.acknowledged.values() for number in numbers} - there

    def out_of_order(self, logged: dict[str, list[int]]) -> list[str]:
        """The friends whose acknowledged messages are in the log in another order."""
        return [
            friend
            for friend, numbers in self.acknowledged.items()
            if [number for number in logged.get(friend, []) if number in set(numbers)] != numbers
        ]


async def metrics(url: str) -> dict[str, float]:
    """The counts of an ingress by name with labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


async def until_drained(ingress: Role, timeout: float = 120) -> None:
    """Return when the spool is empty and events go to Kafka."""
    url = ingress.document()["url"]
    async with asyncio.timeout(timeout):
        while True:
            found = await metrics(url)
            if not found["spool_bytes"]:
                return
            await asyncio.sleep(0.2)


def balance(found: dict[str, float]) -> float:
    """Received minus sent, discarded and in flight: 0."""
    discarded = sum(count for name, count in found.items() if name.startswith("discarded_events_total"))
    return found["received_events_total"] - found["sent_events_total"] - discarded - found["in_flight_events"]


def segments(data_dir: Path) -> list[Path]:
    return sorted(data_dir.glob("spool/*.log"))
