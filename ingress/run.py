"""The ingress as a process.

Law: it accepts as soon as it knows who may send, from Kafka or from what it kept, and can make events safe, in Kafka or
on this disk. It stops in the order that loses nothing: accept no more, answer what is in flight, wait for Kafka,
disconnect.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from ingress.app import make_app
from ingress.append import KafkaAppend
from ingress.connections import RegistryConnections, SecretsClosed
from ingress.known_registry import KnownRegistry
from ingress.producer import Producer
from ingress.reception import Limits
from ingress.room import Room
from ingress.serving import serving
from ingress.spool.contents import Contents
from ingress.spool.disk import Directory
from ingress.spool.disk_thread import DiskThread
from ingress.spool.spool import Spool
from ingress.spool.store import OtherKey, SpoolStore
from ingress.spooled_append import SpooledAppend
from ingress.tally import Tally
from registry.secrets import live_secrets
from registry.snapshot import SnapshotFile
from runtime.clock import now_ms
from runtime.logs import logger
from runtime.process import run_document_path, write_document
from runtime.refusal import MISCONFIGURED, Refusal
from runtime.sealing import SealingKey
from runtime.settings import Settings
from schemas.connections import ConnectionRecord

ROLE = "ingress"
GC_THRESHOLDS = (50_000, 50, 50)  # what a request makes dies with it: collecting it sooner only costs
_STOP_SECONDS = 5.0
_READY_SECONDS = 3.0
_TOLD_SECONDS = 0.5
_REQUEST_SECONDS = 15.0  # a batch that Kafka swallowed is given up after this; its events are in the spool long before
_MB = 1024 * 1024


async def run(settings: Settings, brokers: Callable[[], str], stop: asyncio.Event) -> None:
    """Serve until `stop` is set; Refusal 69 when Kafka is away and nothing was kept, 78 when secrets do not open."""
    gc.set_threshold(*GC_THRESHOLDS)
    limits = Limits()
    room = Room(limits.requests, limits.bytes_in_flight)
    tally = Tally(room)
    key = SealingKey.load(settings)
    async with (
        _disk() as thread,
        _registry(brokers, SnapshotFile.of(settings, key), thread) as registry,
        _spool(settings, key, thread, tally) as spool,
        _producer(brokers, registry) as producer,
    ):
        connections = _connections(registry, key)
        kafka = KafkaAppend(producer, room, report=tally.trouble)
        append = SpooledAppend(kafka, producer, spool, room, tally, partitions=registry.partitions)
        app = make_app(
            connections=connections,
            append=append,
            partitions=registry.partitions,
            room=room,
            tally=tally,
            limits=limits,
            ready=lambda: append.takes and not stop.is_set(),
            standing=lambda: append.standing,
        )
        append.start()
        try:
            await _serve(settings, app, registry, spool, thread, stop)
        finally:
            await append.stop()
            if kafka.oldest is not None:
                await kafka.flush(_STOP_SECONDS)


async def _serve(
    settings: Settings,
    app: web.Application,
    registry: KnownRegistry,
    spool: Spool,
    thread: DiskThread,
    stop: asyncio.Event,
) -> None:
    async with serving(app, settings.ingress_bind.host, settings.ingress_bind.port) as url:
        teller = _Teller(settings, url, spool, thread)
        await teller.tell(ready=True)
        logger(__name__).info("the ingress listens on %s", url)
        tasks = [asyncio.create_task(one) for one in (registry.follow(), teller.follow())]
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopped, *tasks):
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        await teller.tell(ready=False)
    for trouble in ended:
        if isinstance(trouble, Exception):
            raise trouble


class _Teller:
    """Keeps the role's document true."""

    def __init__(self, settings: Settings, url: str, spool: Spool, thread: DiskThread) -> None:
        self._path = run_document_path(settings, ROLE)
        self._url = url
        self._spool = spool
        self._thread = thread
        self._told = 0

    async def tell(self, *, ready: bool) -> None:
        """Write it; a disk that takes nothing does not end the ingress, which may still reach Kafka."""
        size = self._spool.bytes
        document = {"role": ROLE, "pid": os.getpid(), "ready": ready, "url": self._url, "spool_bytes": size}
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._thread.run(lambda: write_document(self._path, document))
        except (OSError, TimeoutError) as trouble:
            logger(__name__).error("%s cannot be written (%s)", self._path, type(trouble).__name__)
        self._told = size

    async def follow(self) -> None:
        """Write it whenever the spool has changed."""
        while True:
            await asyncio.sleep(_TOLD_SECONDS)
            if self._spool.bytes != self._told:
                await self.tell(ready=True)


def _connections(registry: KnownRegistry, key: SealingKey) -> RegistryConnections:
    def open_secrets(record: ConnectionRecord, now: int) -> list[bytes]:
        return live_secrets(record, key, now)

    connections = RegistryConnections(registry, open_secrets, now_ms)
    try:
        for record in registry.all():
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


@contextlib.asynccontextmanager
async def _disk() -> AsyncIterator[DiskThread]:
    thread = DiskThread()
    thread.start()
    try:
        yield thread
    finally:
        await thread.stop(_STOP_SECONDS)


@contextlib.asynccontextmanager
async def _registry(brokers: Callable[[], str], file: SnapshotFile, thread: DiskThread) -> AsyncIterator[KnownRegistry]:
    registry = KnownRegistry(brokers, file, thread)
    await registry.start()
    try:
        yield registry
    finally:
        await registry.stop()


@contextlib.asynccontextmanager
async def _spool(settings: Settings, key: SealingKey, thread: DiskThread, tally: Tally) -> AsyncIterator[Spool]:
    directory = settings.data_dir / "spool"
    store = SpoolStore(Directory(directory), Contents(key), settings.spool_mb * _MB)
    spool = Spool(store, thread, spooled=tally.spooled)
    tally.spool = spool
    try:
        await spool.open()
    except OtherKey:
        raise Refusal(
            MISCONFIGURED,
            "spool_closed",
            "the spool holds events that were sealed with another key",
            where=str(directory),
            next_step="give FRIENDSTREAM_SECRET_KEY its old value until the spool is drained",
        ) from None
    try:
        yield spool
    finally:
        await spool.close(_STOP_SECONDS)


@contextlib.asynccontextmanager
async def _producer(brokers: Callable[[], str], registry: KnownRegistry) -> AsyncIterator[Producer]:
    producer = Producer(brokers, client_id=f"friendstream-{ROLE}", request_timeout=_REQUEST_SECONDS)
    producer.start_in_background()
    try:
        if registry.live:
            await producer.until_ready(_READY_SECONDS)
        yield producer
    finally:
        await producer.stop()
