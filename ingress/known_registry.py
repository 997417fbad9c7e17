"""The registry as the ingress knows it: live while Kafka is there, else as it was kept.

Law: once the live registry was read it alone counts, and it is kept anew whenever it changes. Kafka is waited for only
where nothing is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiokafka.errors import KafkaError

from ingress.spool.disk_thread import DiskThread
from registry.snapshot import Snapshot, SnapshotFile
from registry.view import ConnectionsView
from runtime.brokers import wait_until_reachable
from runtime.log_reader import partition_count
from runtime.logs import logger
from runtime.refusal import INTERNAL, MISCONFIGURED, UNAVAILABLE, Refusal
from runtime.sealing import NotOpened
from schemas.connections import ConnectionRecord
from schemas.topics import DEAD_LETTERS, EVENTS

_TOPICS = (EVENTS.name, DEAD_LETTERS.name)
_LIVE_SECONDS = 3.0  # how long a start with a kept registry tries to read the live one
_PAUSE_SECONDS = 1.0
_AWAY = (KafkaError, OSError, TimeoutError)


class KnownRegistry:
    """Connections by number; `brokers` says where Kafka is, or refuses."""

    def __init__(self, brokers: Callable[[], str], file: SnapshotFile, thread: DiskThread) -> None:
        self._brokers = brokers
        self._file = file
        self._thread = thread
        self._kept: dict[int, ConnectionRecord] = {}
        self._view: ConnectionsView | None = None
        self.partitions = 0

    @property
    def live(self) -> bool:
        """Whether the live registry was read."""
        return self._view is not None

    def get(self, number: int, /) -> ConnectionRecord | None:
        """The newest known record of the connection."""
        return self._kept.get(number) if self._view is None else self._view.get(number)

    def all(self) -> list[ConnectionRecord]:
        """Every known connection, by number."""
        return list(self._kept.values()) if self._view is None else self._view.all()

    async def start(self) -> None:
        """Know it; Refusal 69 when nothing is kept and Kafka is away, 78 when what is kept has another key."""
        unopened: NotOpened | None = None
        kept: Snapshot | None = None
        try:
            kept = await self._thread.run(self._file.load)
        except NotOpened as trouble:
            unopened = trouble
        try:
            await self._go_live(None if kept is None and unopened is None else _LIVE_SECONDS)
        except (Refusal, *_AWAY) as trouble:
            if unopened is not None:
                raise _other_key(unopened) from None
            if kept is None:
                raise trouble if isinstance(trouble, Refusal) else _away(trouble) from trouble
            logger(__name__).warning("Kafka is away: starting with the registry as it was kept")
            self._kept = {record.number: record for record in kept.connections}
            self.partitions = kept.partitions[EVENTS.name]

    async def follow(self) -> None:
        """Become live, and keep every change, until cancelled; Refusal 70 when the topics have other partitions now."""
        while self._view is None:
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                await self._go_live(None)
            except Refusal as refused:
                if refused.exit_code != UNAVAILABLE:
                    raise
            except _AWAY:
                continue
        while True:
            await self._view.changed.wait()
            self._view.changed.clear()
            await self._keep(self._view)

    async def stop(self) -> None:
        """Stop following."""
        if self._view is not None:
            await self._view.stop()

    async def _go_live(self, limit: float | None) -> None:
        async with asyncio.timeout(limit):
            brokers = self._brokers()
            if limit is not None or self._kept:
                await wait_until_reachable(brokers, timeout=0)
            else:
                await wait_until_reachable(brokers)
            counts = {await partition_count(brokers, topic) for topic in _TOPICS}
            view = ConnectionsView(brokers)
            await view.start()
        found = min(counts)
        if self.partitions not in (0, found):
            await view.stop()
            raise _other_partitions(brokers)
        self.partitions = found
        await self._keep(view)
        self._view = view

    async def _keep(self, view: ConnectionsView) -> None:
        snapshot = Snapshot(tuple(view.all()), dict.fromkeys(_TOPICS, self.partitions))
        try:
            await self._thread.run(lambda: self._file.save(snapshot))
        except OSError as trouble:
            logger(__name__).error("the registry cannot be kept for a start without Kafka (%s)", type(trouble).__name__)


def _away(trouble: BaseException) -> Refusal:
    return Refusal(
        UNAVAILABLE,
        "kafka_away",
        f"the ingress cannot read its topics ({type(trouble).__name__})",
        where=EVENTS.name,
        next_step="start Kafka; `friendstream topics check` says which topics are missing",
    )


def _other_key(unopened: NotOpened) -> Refusal:
    return Refusal(
        MISCONFIGURED,
        "secrets_closed",
        f"the kept registry cannot be opened: {unopened}",
        next_step="give FRIENDSTREAM_SECRET_KEY the value with which the connections were made",
    )


def _other_partitions(brokers: str) -> Refusal:
    return Refusal(
        INTERNAL,
        "partitions_changed",
        f"{EVENTS.name} has other partitions than before",
        where=brokers,
        next_step="start the ingress again: it then counts the partitions that are there",
    )
