"""The ingress as a process.

Law: it accepts when everything it needs is there, and stops in the order that loses nothing: accept no more, answer
what is in flight, wait for Kafka, disconnect.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator

from aiokafka.errors import KafkaError

from ingress.app import make_app
from ingress.append import KafkaAppend
from ingress.connections import RegistryConnections, SecretsClosed
from ingress.producer import Producer
from ingress.reception import Limits
from ingress.room import Room
from ingress.serving import serving
from ingress.tally import Tally
from registry.secrets import live_secrets
from registry.view import ConnectionsView
from runtime.clock import now_ms
from runtime.log_reader import partition_count
from runtime.logs import logger
from runtime.process import run_document_path, write_document
from runtime.refusal import MISCONFIGURED, UNAVAILABLE, Refusal
from runtime.sealing import SealingKey
from runtime.settings import Settings
from schemas.connections import ConnectionRecord
from schemas.topics import EVENTS

ROLE = "ingress"
GC_THRESHOLDS = (50_000, 50, 50)  # what a request makes dies with it: collecting it sooner only costs
_STOP_SECONDS = 5.0


async def run(settings: Settings, brokers: str, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; Refusal 69 when Kafka or a topic is away, 78 when secrets cannot be opened."""
    gc.set_threshold(*GC_THRESHOLDS)
    limits = Limits()
    room = Room(limits.requests, limits.bytes_in_flight)
    tally = Tally(room)
    async with ConnectionsView(brokers) as view, _producer(brokers) as producer:
        append = KafkaAppend(producer, room, report=tally.trouble)
        connections = _connections(settings, view)
        app = make_app(
            connections=connections,
            append=append,
            partitions=await _partitions(brokers),
            room=room,
            tally=tally,
            limits=limits,
            ready=lambda: producer.ready and not stop.is_set(),
        )
        async with serving(app, settings.ingress_bind.host, settings.ingress_bind.port) as url:
            document = run_document_path(settings, ROLE)
            write_document(document, {"role": ROLE, "pid": os.getpid(), "ready": True, "url": url})
            logger(__name__).info("the ingress listens on %s", url)
            await stop.wait()
            write_document(document, {"role": ROLE, "pid": os.getpid(), "ready": False, "url": url})
        await append.flush(_STOP_SECONDS)


def _connections(settings: Settings, view: ConnectionsView) -> RegistryConnections:
    key = SealingKey.load(settings)

    def open_secrets(record: ConnectionRecord, now: int) -> list[bytes]:
        return live_secrets(record, key, now)

    connections = RegistryConnections(view, open_secrets, now_ms)
    try:
        for record in view.all():
            connections.get(record.number)  # a wrong key is better found now than by the first webhook
    except SecretsClosed as closed:
        raise Refusal(
            MISCONFIGURED,
            "secrets_closed",
            f"the secrets of a connection cannot be opened: {closed}",
            where="connections.v1",
            next_step="give FRIENDSTREAM_SECRET_KEY the value with which the connections were made",
        ) from closed
    return connections


async def _partitions(brokers: str) -> int:
    try:
        return await partition_count(brokers, EVENTS.name)
    except (KafkaError, OSError) as trouble:
        raise _away(brokers, trouble) from trouble


@contextlib.asynccontextmanager
async def _producer(brokers: str) -> AsyncIterator[Producer]:
    producer = Producer(brokers, client_id=f"friendstream-{ROLE}")
    try:
        await producer.start()
    except (KafkaError, OSError) as trouble:
        raise _away(brokers, trouble) from trouble
    try:
        yield producer
    finally:
        await producer.stop()


def _away(brokers: str, trouble: BaseException) -> Refusal:
    return Refusal(
        UNAVAILABLE,
        "kafka_away",
        f"the ingress cannot write to Kafka ({type(trouble).__name__})",
        where=brokers,
        next_step="start Kafka; `friendstream topics check` says which topics are missing",
    )
