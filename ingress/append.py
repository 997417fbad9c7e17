"""Appending records so that they are safe when the call returns.

Law: what arrives while the last batch of a partition is in flight goes into one batch, in order; a caller goes on only
when every record of his is acknowledged by all in-sync replicas. A caller who gives up takes nothing back: his records
may still land, and their ids make that harmless. Keep it this simple: linger only costs here (facts/faust.md 16).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ingress.producer import Producer, Unavailable
from ingress.records import KafkaRecord
from ingress.room import Room

__all__ = ["Append", "KafkaAppend", "Unavailable"]


class Append(Protocol):
    """Where verified events go."""

    async def append(self, records: Sequence[KafkaRecord]) -> None:
        """Make every record safe, or raise `Unavailable` or `NoRoom`."""


class _Ticket:
    """One caller's wait for his records."""

    __slots__ = ("done", "left")

    def __init__(self, left: int, done: asyncio.Future[None]) -> None:
        self.left = left
        self.done = done

    def count_down(self) -> None:
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)

    def fail(self, trouble: Unavailable) -> None:
        if not self.done.done():
            self.done.set_exception(trouble)


class _Lane:
    """One partition of one topic: what waits, and whether a batch is in flight."""

    __slots__ = ("busy", "partition", "topic", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: deque[tuple[KafkaRecord, _Ticket]] = deque()
        self.busy = False


class KafkaAppend:
    """The micro-batcher over one idempotent producer; `room` bounds the bytes that wait for Kafka."""

    def __init__(
        self, producer: Producer, room: Room, *, report: Callable[[BaseException], None] = lambda trouble: None
    ) -> None:
        self._producer = producer
        self._room = room
        self._report = report
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._draining: set[asyncio.Task[None]] = set()

    async def append(self, records: Sequence[KafkaRecord]) -> None:
        """Make every record safe; raises Unavailable when Kafka refuses, NoRoom when too much waits for it."""
        if not records:
            return
        size = sum(len(record.value) for record in records)
        self._room.take(size)
        ticket = _Ticket(len(records), asyncio.get_running_loop().create_future())
        ticket.done.add_done_callback(_seen)
        for record in records:
            place = (record.topic, record.partition)
            lane = self._lanes.get(place) or self._lanes.setdefault(place, _Lane(*place))
            lane.waiting.append((record, ticket))
            if not lane.busy:
                lane.busy = True
                self._drain_in_background(lane)
        await ticket.done

    async def flush(self, timeout: float) -> None:
        """Wait until nothing is in flight any more, at most `timeout` seconds."""
        if self._draining:
            await asyncio.wait(self._draining, timeout=timeout)

    def _drain_in_background(self, lane: _Lane) -> None:
        task = asyncio.get_running_loop().create_task(self._drain(lane))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _drain(self, lane: _Lane) -> None:
        try:
            while lane.waiting:
                await self._send_one_batch(lane)
        finally:
            lane.busy = False

    async def _send_one_batch(self, lane: _Lane) -> None:
        taken: list[tuple[KafkaRecord, _Ticket]] = []
        try:
            batch = self._producer.new_batch()
            _fill(batch, lane.waiting, taken)
            await self._producer.send(batch, lane.topic, lane.partition)
        except Exception as trouble:
            self._report(trouble)
            taken.extend(lane.waiting)  # behind a batch that failed, nothing of this partition can be sent in order
            lane.waiting.clear()
            for _, ticket in taken:
                ticket.fail(trouble if isinstance(trouble, Unavailable) else Unavailable(type(trouble).__name__))
        else:
            for _, ticket in taken:
                ticket.count_down()
        finally:
            self._room.give_back(sum(len(record.value) for record, _ in taken))


def _fill(batch: Any, waiting: deque[tuple[KafkaRecord, _Ticket]], taken: list[tuple[KafkaRecord, _Ticket]]) -> None:
    """Move records into the batch until it is full; the first one fits whatever its size."""
    while waiting:
        record, _ = waiting[0]
        if batch.append(key=record.key, value=record.value, timestamp=record.timestamp, headers=record.headers) is None:
            break
        taken.append(waiting.popleft())
    batch.close()


def _seen(done: asyncio.Future[None]) -> None:
    """A caller who gave up leaves an exception that nobody asks for."""
    with contextlib.suppress(asyncio.CancelledError):
        done.exception()
