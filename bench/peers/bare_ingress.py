"""`python -m bench.peers.bare_ingress`: our ingress without verification and parsing, producing the same bytes.

What it keeps: aiohttp, uvloop, the same handler with its deadline, bounds and counts, the same micro-batcher and
producer with acks=all. What it leaves out: the signature, the JSON, the making of records: they were made before the
start and are looked up by the body.
"""

from __future__ import annotations

import asyncio
import gc
import os

import uvloop
from aiohttp import web

from bench.http_load import BODIES, FRIENDS
from bench.webhooks import BOT, SECRET, signed_webhooks
from ingress.append import KafkaAppend
from ingress.connections import LiveConnection
from ingress.producer import Producer
from ingress.reception import Limits, Publisher, Reception
from ingress.records import Harvest, RecordMaker
from ingress.room import Room
from ingress.run import GC_THRESHOLDS
from ingress.serving import serving
from ingress.tally import Tally
from ingress.webhook import RawWebhook, Signer, VerifiedWebhook
from runtime.clock import now_ms
from runtime.log_reader import partition_count
from runtime.process import run_document_path, until_stopped, write_document
from runtime.settings import Settings
from schemas.topics import EVENTS


class BareReception(Reception):
    """Looks the records up instead of making them."""

    prepared: dict[bytes, Harvest]

    async def _take_in(self, request: web.Request, connection: LiveConnection, signature: str) -> int:
        harvest = self.prepared[await request.read()]
        self._tally.received(harvest.received)
        await self._publisher._append.append(harvest.records)
        self._tally.appended(harvest)
        return 200


def prepare(partitions: int) -> dict[bytes, Harvest]:
    """The records of every body that will come."""
    make, signer = RecordMaker(partitions), Signer(SECRET)
    return {
        body: make.harvest(VerifiedWebhook(RawWebhook(1, now_ms(), body, signature.decode()), [signer]), BOT)
        for body, signature in signed_webhooks(BODIES, FRIENDS)
    }


async def main() -> None:
    """Serve until SIGTERM."""
    gc.set_threshold(*GC_THRESHOLDS)
    stop = await until_stopped()
    settings, limits = Settings.load(), Limits()
    room = Room(limits.requests, limits.bytes_in_flight)
    tally = Tally(room)
    producer = Producer(settings.kafka, client_id="bare")
    await producer.start()
    partitions = await partition_count(settings.kafka, EVENTS.name)
    append = KafkaAppend(producer, room)
    publisher = Publisher(RecordMaker(partitions), append, tally)
    reception = BareReception({1: LiveConnection(1, (), BOT)}, publisher, room, tally, limits)
    reception.prepared = prepare(partitions)
    app = web.Application(client_max_size=limits.body_bytes)
    app.router.add_post("/line/{number:[1-9][0-9]{0,8}}", reception.receive)
    async with serving(app, "127.0.0.1", 0) as url:
        write_document(
            run_document_path(settings, "bare"), {"role": "bare", "pid": os.getpid(), "ready": True, "url": url}
        )
        await stop.wait()
    await append.flush(5)
    await producer.stop()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main())
