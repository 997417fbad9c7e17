"""A HubSpot sink on real Kafka against the simulated portal: what its tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from devkit.hubspot import HubSpotSimulator
from runtime.appender import Appender, Outgoing, partition_of
from runtime.clock import monotonic, now_ms
from runtime.log_reader import committed, end_offsets, read_log
from runtime.settings import Settings
from schemas.changes import Change
from schemas.codec import digest_of, encode
from schemas.marks import Trigger
from schemas.outcomes import Outcome, read_outcome
from schemas.topics import CHANGES, HUBSPOT_GROUP, OUTCOMES
from sinks.hubspot.run import run

TOKEN = "pat-sim"


def friend_id(number: int) -> str:
    return f"U{number:032x}"


def make_change(friend: str, revision: int = 1, **given: Any) -> Change:
    properties = given.pop("properties", None) or {"line_user_id_1": friend, "line_follow_1": "true"}
    fields: dict[str, Any] = {
        "friend": friend,
        "revision": revision,
        "digest": digest_of(properties),
        "emitted_at": now_ms(),
        "email": f"{friend}@line.me".lower(),
        "properties": properties,
        "causes": (),
        "more_causes": 0,
    }
    return Change(**(fields | given))


def permit(at: int = 1_732_250_000_000, kind: str = "follow") -> Trigger:
    return Trigger(id=f"01J{at}", at=at, kind=kind)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Wait for a condition, looking often; a test that waits too long has failed."""
    ends = monotonic() + seconds
    while not await true():
        assert monotonic() < ends, "what the test waits for did not happen"
        await asyncio.sleep(0.05)


@dataclass
class World:
    """Kafka, a portal with the properties of connections 1 and 2, and sinks that can be started and stopped."""

    settings: Settings
    brokers: str
    hubspot: HubSpotSimulator
    appender: Appender
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def start_sink(self) -> asyncio.Task[None]:
        self.stop = asyncio.Event()
        self.tasks.append(asyncio.create_task(run(self.settings, self.brokers, self.stop)))
        return self.tasks[-1]

    async def stop_sink(self) -> None:
        self.stop.set()
        await asyncio.gather(*self.tasks)
        self.tasks.clear()

    async def send(self, *changes: Change) -> None:
        records: list[Outgoing] = [(change.friend.encode(), encode(change), []) for change in changes]
        await self.appender.append_by_key(CHANGES.name, self.settings.partitions, records)

    async def send_raw(self, key: bytes, value: bytes | None) -> None:
        await self.appender.append(CHANGES.name, partition_of(key, self.settings.partitions), [(key, value, [])])

    async def outcomes(self) -> list[Outcome]:
        return [read_outcome(record.value) async for record in read_log(self.brokers, OUTCOMES.name)]

    async def idle(self) -> bool:
        done = await committed(self.brokers, HUBSPOT_GROUP)
        ends = await end_offsets(self.brokers, CHANGES.name)
        return {tp.partition: at for tp, at in done.items() if tp.topic == CHANGES.name} == ends

    async def settled(self, seconds: float = 30.0) -> list[Outcome]:
        """Every change is committed: the outcomes."""
        for task in self.tasks:
            if task.done():
                task.result()
        await until(self.idle, seconds)
        return await self.outcomes()

    def contact_calls(self) -> int:
        calls = ("batch/create", "batch/update", "batch/read", "batch/upsert")
        return sum(self.hubspot.log.count(call) for call in calls)
