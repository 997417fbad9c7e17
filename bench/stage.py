"""The whole program between simulated LINE and HubSpot, on the bench's Kafka, with what happens on it counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from bench.world import PARTITIONS, SECRET_KEY, World
from cli.demo_world import world as demo
from devkit.line import Json, Person
from devkit.traffic import Post, Receiver, WebhookSender
from ingress.records import RecordMaker
from ingress.webhook import RawWebhook, Signer, VerifiedWebhook
from runtime.appender import Appender
from runtime.clock import now_ms

NOT_OF_CONTACTS = ("properties", "account-info", "limits", "private-apps")


class Stage:
    """One LINE account connected to one portal, and `up` running."""

    def __init__(self, world: demo.World, brokers: str) -> None:
        self.world = world
        self._brokers = brokers

    def people(self, count: int) -> list[Person]:
        """New LINE users with names and pictures."""
        add, known = self.world.line.add_user, len(self.world.line.platform.world.people)
        return [
            add(f"客 {known + number}", picture_url=f"https://profile.line-scdn.net/0h{known + number}")
            for number in range(count)
        ]

    def act(self, act: str, people: Iterable[Person], **fields: Any) -> list[Json]:
        """Let each of the people do something now; the events, not delivered."""
        done = [self.world.line.perform(act, self.world.shop, person, **fields) for person in people]
        return [event for event in done if event is not None]

    async def send(self, events: Sequence[Json], *, each: int = 1, within: float | None = None) -> float:
        """Deliver over HTTP, `each` events a webhook, evenly within so many seconds; the seconds it took."""
        posts = [Post(tuple(events[start : start + each])) for start in range(0, len(events), each)]
        rate = None if within is None else len(posts) / within
        receiver = Receiver.of(self.world.shop, f"{self.world.up.ready['ingress']}/line/{self.world.number}")
        async with WebhookSender(receiver, concurrency=64) as sender:
            report = await sender.send(posts, rate=rate)
        if len(report.acknowledged) != len(events):
            raise RuntimeError(f"{len(events) - len(report.acknowledged)} of {len(events)} events were not taken")
        return report.seconds

    async def append(self, events: Sequence[Json]) -> None:
        """Put the events into the log without the ingress, for a program that is not running."""
        make, signer = RecordMaker(PARTITIONS), Signer(b"stage")
        appender = Appender(self._brokers, client_id="stage")
        for event in events:
            body = orjson.dumps({"events": [event]})
            raw = RawWebhook(self.world.number, now_ms(), body, signer.sign(body).decode())
            for record in make.harvest(VerifiedWebhook(raw, [signer]), None).records:
                await appender.append(record.topic, record.partition, [(record.key, record.value, record.headers)])
        await appender.stop()

    def contact_calls(self) -> int:
        """Calls to HubSpot about contacts so far, whatever they were answered."""
        return sum(
            sum(by_status.values())
            for name, by_status in self.world.hubspot.log.by_name().items()
            if not name.startswith(NOT_OF_CONTACTS)
        )


@asynccontextmanager
async def stage(bench: World) -> AsyncIterator[Stage]:
    """Start everything on fresh topics and connect the account; at the end all of it is stopped."""
    home = bench.directory()
    await asyncio.to_thread(bench.fresh_topics, home)
    settings = {"kafka": bench.brokers, "partitions": PARTITIONS, "secret_key": SECRET_KEY}
    async with demo.World(home, settings=settings) as world:
        await world.start()
        await world.connect()
        yield Stage(world, bench.brokers)
