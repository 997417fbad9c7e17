"""Workers as real processes, traffic on all three source topics, and a judge who reads the logs afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from runtime.appender import Appender
from runtime.log_reader import end_offsets, read_log
from runtime.settings import Settings
from schemas import topics
from schemas.changes import read_change
from schemas.cloud_events import outcome_headers
from schemas.codec import encode
from schemas.decisions import read_decision
from schemas.friends import FriendState, read_friend_state
from schemas.marks import Mark
from schemas.outcomes import Outcome
from schemas.requests import read_request
from schemas.results import ProfileResult, Result

ENTRY = Path(__file__).with_name("worker_entry.py")
ROOT = Path(__file__).parents[3]
PARTITIONS = 4
DEADLINE = 40.0


async def until(what: Callable[[], Any], deadline: float = DEADLINE) -> Any:
    """Ask again until the answer is true; the test fails at the deadline."""
    end = time.monotonic() + deadline
    while True:
        answer = what()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > end:
            open_questions = getattr(getattr(what, "__self__", None), "open_questions", "")
            raise AssertionError(f"did not happen within {deadline:.0f} s: {what} {open_questions}")
        await asyncio.sleep(0.1)


@pytest.fixture(name="until")
def _until() -> Callable[..., Any]:
    return until


class Worker:
    """A fold worker in a process of its own."""

    def __init__(self, name: str, environ: Mapping[str, str], home: Path, *switches: str) -> None:
        self._home = home / name
        self._home.mkdir(exist_ok=True)
        self._log = (self._home / "stderr").open("ab")
        self._document = self._home / "run" / "fold.json"
        self._document.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, str(ENTRY), *switches],
            env={**environ, "FRIENDSTREAM_DATA_DIR": str(self._home), "PYTHONPATH": str(ROOT)},
            stderr=self._log,
            cwd=self._home,
        )

    def ready(self) -> bool:
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.said()}"
        return bool(self.document().get("ready"))

    def document(self) -> dict[str, Any]:
        return json.loads(self._document.read_text()) if self._document.exists() else {}

    def said(self) -> str:
        return (self._home / "stderr").read_text()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.document()["url"] + path, timeout=10) as answer:
            return json.loads(answer.read())

    def flow(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/v1/flow")
        return found

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self, deadline: float = DEADLINE) -> int:
        await until(lambda: self.process.poll() is not None, deadline)
        self._log.close()
        return int(self.process.returncode)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return await self.ended()


@pytest.fixture
def start_worker(topics: Settings, environ_for: Any, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts a worker: `start_worker("a", "without-lock")`; the same name is the same data directory."""
    workers: list[Worker] = []

    def start(name: str = "a", *switches: str, **settings: object) -> Worker:
        worker = Worker(name, environ_for(**({"session_seconds": 6} | settings)), tmp_path, *switches)
        workers.append(worker)
        return worker

    yield start
    running = [worker.process for worker in workers if worker.process.poll() is None]
    for process in running:  # asked, so that they leave the group: the next test need not wait for their session
        process.terminate()
        process.send_signal(signal.SIGCONT)
    for process in running:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class World:
    """Traffic for the fold, the other half of its loop, and the judge."""

    def __init__(self, brokers: str) -> None:
        self.brokers = brokers
        self.appender = Appender(brokers, client_id="world")
        self.reader = AIOKafkaConsumer(bootstrap_servers=brokers)
        self.admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
        self.told: dict[str, int] = {}
        self.open_questions = ""
        self._number = 0
        self._at = 1_763_800_000_000

    async def tell(self, *messages: tuple[str, str]) -> None:
        """Messages of friends as (friend, text), each newer than all before."""
        records = []
        for friend, text in messages:
            self._number += 1
            self.told[friend] = self._number
            event = {
                "type": "message",
                "timestamp": self._at + self._number,
                "source": {"type": "user", "userId": friend},
                "webhookEventId": f"01K{self._number:023d}",
                "message": {"id": str(self._number), "type": "text", "text": text},
            }
            value = {"connection": 1, "received_at": self._at + self._number, "origin": "webhook", "event": event}
            records.append((friend.encode(), orjson.dumps(value), []))
        await self.appender.append_by_key(topics.EVENTS.name, PARTITIONS, records)

    @contextlib.asynccontextmanager
    async def talking(self, friends: list[str], at_once: int = 60) -> AsyncIterator[None]:
        """Friends write messages, some at once, without end: as long as the block lasts."""

        enough = asyncio.Event()

        async def talk() -> None:
            for round_ in itertools.count():
                if enough.is_set():  # never in the middle of an append: what is counted as told was told
                    return
                some = [friends[(round_ * 37 + n) % len(friends)] for n in range(at_once)]
                await self.tell(*[(friend, f"message {round_}") for friend in some])
                await asyncio.sleep(0.05)

        task = asyncio.ensure_future(talk())
        try:
            yield
        finally:
            enough.set()
            await task

    async def answer(self) -> None:
        """Both sinks, until cancelled: an outcome for each change, a profile for each request."""
        consumer = AIOKafkaConsumer(
            topics.CHANGES.name, topics.REQUESTS.name, bootstrap_servers=self.brokers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            while True:
                for tp, run in (await consumer.getmany(timeout_ms=200)).items():
                    changes = tp.topic == topics.CHANGES.name
                    answers = [(r.key, *(_outcome(r.value) if changes else _result(r.value))) for r in run]
                    target = topics.OUTCOMES.name if changes else topics.RESULTS.name
                    await self.appender.append(target, tp.partition, answers)
        finally:
            await consumer.stop()

    async def behind(self) -> int:
        """Records of all sources that the group has not committed."""
        sources = [TopicPartition(t.name, n) for t in topics.FOLD_SOURCES for n in range(PARTITIONS)]
        ends = await self.reader.end_offsets(sources)
        done = await self.admin.list_consumer_group_offsets(topics.FOLD_GROUP)
        return sum(end - max(0, done[tp].offset if tp in done else 0) for tp, end in ends.items())

    async def settled(self) -> bool:
        """Nothing to fold, and every friend is as told, with no question open: looked at twice."""
        for _ in range(2):
            behind, wrong = await self.behind(), await self.wrong()
            if behind or wrong:
                self.open_questions = f"{behind} records behind, {len(wrong)} friends wrong: {wrong[:3]}"
                return False
        return True

    async def states(self) -> dict[str, FriendState]:
        return {state.friend: state for state in map(read_friend_state, (await self.rows()).values())}

    async def rows(self) -> dict[bytes, bytes]:
        rows: dict[bytes, bytes] = {}
        async for record in read_log(self.brokers, topics.FRIENDS.name):
            rows[record.key] = record.value
            if record.value is None:
                del rows[record.key]
        return rows

    async def decided(self) -> Counter[tuple[str, int, int]]:
        """How often each source record has a decision or a dead letter."""
        found: Counter[tuple[str, int, int]] = Counter()
        async for record in read_log(self.brokers, topics.DECISIONS.name):
            cause = read_decision(record.value).cause
            found[cause.topic, cause.partition, cause.offset] += 1
        for letter in await self.dead_letters():
            headers = dict(letter.headers)
            found[headers["dl_topic"].decode(), int(headers["dl_partition"]), int(headers["dl_offset"])] += 1
        return found

    async def dead_letters(self) -> list[Any]:
        return [record async for record in read_log(self.brokers, topics.DEAD_LETTERS.name)]

    async def lost(self) -> list[tuple[str, int, int]]:
        """Source records without a decision and without a dead letter."""
        decided = await self.decided()
        every = [
            (topic.name, partition, offset)
            for topic in topics.FOLD_SOURCES
            for partition, end in (await end_offsets(self.brokers, topic.name)).items()
            for offset in range(end)
        ]
        return [place for place in every if place not in decided]

    async def wrong(self) -> list[str]:
        """Friends whose state is not what their records say, or who wait for an answer that was given."""
        states = await self.states()
        return [friend for friend, number in self.told.items() if _is_wrong(states.get(friend), number)]

    async def repeated(self) -> list[tuple[str, int]]:
        """Revisions that were written twice with different content: two writers, or two turns on one row."""
        seen: dict[tuple[str, int], bytes] = {}
        found = []
        async for record in read_log(self.brokers, topics.FRIENDS.name):
            state = read_friend_state(record.value)
            place = (state.friend, state.revision)
            if seen.setdefault(place, record.value) != record.value:
                found.append(place)
        return found


def _is_wrong(state: FriendState | None, newest: int) -> bool:
    """Not what was told last, or still waiting for an answer."""
    if state is None or state.sent is not None or state.contact is None or state.contact.status != "live":
        return True
    known = state.connections["1"]
    return (
        known.inbound is None or known.inbound.message != str(newest) or known.profile is None or not known.profile.name
    )


def _outcome(raw: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    change = read_change(raw)
    outcome = Outcome(
        friend=change.friend,
        revision=change.revision,
        digest=change.digest,
        trigger=Mark(id=change.may_create.id, at=change.may_create.at) if change.may_create else None,
        result="updated" if change.contact else "created",
        contact=change.contact or f"9{abs(hash(change.friend)) % 10**8}",
        at=change.emitted_at + 1,
        generation=1,
        attempts=1,
    )
    return encode(outcome), outcome_headers(outcome)


def _result(raw: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    asked = read_request(raw)
    profile = ProfileResult(found=True, name="Taro")
    answer = Result(
        request=asked.id, kind="profile", friend=asked.friend, connection=asked.connection,
        requested_at=asked.requested_at, at=asked.requested_at + 1, profile=profile,
    )  # fmt: skip
    return encode(answer), []


@pytest.fixture
async def world(topics: Settings) -> AsyncIterator[World]:
    world = World(topics.kafka)
    await world.reader.start()
    await world.admin.start()
    yield world
    await world.appender.stop()
    await world.reader.stop()
    await world.admin.close()


@pytest.fixture
async def answering(world: World) -> AsyncIterator[None]:
    """The sinks are up for the whole test."""
    task = asyncio.ensure_future(world.answer())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
