"""Filling the topics before a measurement, with the bytes that the product writes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from bench.webhooks import BOT, SECRET, body_of, message
from bench.world import PARTITIONS
from ingress.records import KafkaRecord, RecordMaker
from ingress.webhook import RawWebhook, Signer, VerifiedWebhook
from runtime.appender import Appender, Outgoing
from runtime.clock import now_ms

_CHUNK = 20_000


def preload_events(brokers: str, count: int, friends: int) -> None:
    """Append so many messages of so many friends to line.events.v1, as the ingress would."""
    asyncio.run(_append(brokers, (record for number in range(count) for record in _records(number, number % friends))))


def _records(number: int, friend: int) -> list[KafkaRecord]:
    body = body_of(message(number, friend))
    webhook = VerifiedWebhook(RawWebhook(1, now_ms(), body, _SIGNER.sign(body).decode()), [_SIGNER])
    return _MAKE.harvest(webhook, BOT).records


async def _append(brokers: str, records: Iterable[KafkaRecord]) -> None:
    appender = Appender(brokers, client_id="preload")
    try:
        chunk: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for number, record in enumerate(records, 1):
            chunk[record.topic, record.partition].append((record.key, record.value, record.headers))
            if number % _CHUNK == 0:
                await _flush(appender, chunk)
        await _flush(appender, chunk)
    finally:
        await appender.stop()


async def _flush(appender: Appender, chunk: dict[tuple[str, int], list[Outgoing]]) -> None:
    await asyncio.gather(*[appender.append(topic, partition, run) for (topic, partition), run in chunk.items()])
    chunk.clear()


_SIGNER = Signer(SECRET)
_MAKE = RecordMaker(PARTITIONS)
