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


class Ticket:
    """One webhook's wait until its records are safe; `drained` ones come from the spool."""

    __slots__ = ("done", "drained", "left", "records")

    def __init__(self, records: Sequence[KafkaRecord], *, drained: bool = False) -> None:
        self.records = records
        self.left = len(records)
        self.drained = drained
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(_seen)

    @property
    def size(self) -> int:
        """Bytes of the records."""
        return sum(len(record.value) for record in self.records)

    def finish(self) -> None:
        """All records are safe."""
        if not self.done.done():
            self.done.set_result(None)

    def fail(self, trouble: Unavailable) -> None:
        """They are not, and will not be."""
        if not self.done.done():
            self.done.set_exception(trouble)


Refuge = Callable[[list[Ticket], Unavailable], None]


class _Lane:
    """One partition of one topic: what waits, and whether a batch is in flight."""

    __slots__ = ("busy", "partition", "topic", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: deque[tuple[KafkaRecord, Ticket]] = deque()
        self.busy = False


class KafkaAppend:
    """The micro-batcher over one idempotent producer; `room` bounds the bytes that wait for Kafka.

    With a `refuge`, whatever waits when a batch is refused goes there, in the order of its arrival; without one, those
    who wait behind the batch fail.
    """

    def __init__(
        self,
        producer: Producer,
        room: Room,
        *,
        report: Callable[[BaseException], None] = lambda trouble: None,
        refuge: Refuge | None = None,
    ) -> None:
        self._producer = producer
        self._room = room
        self._report = report
        self.refuge = refuge
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._tickets: dict[Ticket, None] = {}
        self._draining: set[asyncio.Task[None]] = set()

    @property
    def oldest(self) -> Ticket | None:
        """The ticket that waits longest."""
        return next(iter(self._tickets), None)

    @property
    def busy(self) -> bool:
        """Whether anything is in flight, be it withdrawn."""
        return bool(self._draining)

    async def append(self, records: Sequence[KafkaRecord]) -> None:
        """Make every record safe; raises Unavailable when Kafka refuses, NoRoom when too much waits for it."""
        if records:
            ticket = Ticket(records)
            self.submit(ticket)
            await ticket.done

    def submit(self, ticket: Ticket) -> None:
        """Send the ticket's records behind everything before them; raises NoRoom."""
        self._room.take(ticket.size)
        self._tickets[ticket] = None
        for record in ticket.records:
            place = (record.topic, record.partition)
            lane = self._lanes.get(place) or self._lanes.setdefault(place, _Lane(*place))
            lane.waiting.append((record, ticket))
            if not lane.busy:
                lane.busy = True
                self._drain_in_background(lane)

    def withdraw(self) -> list[Ticket]:
        """All tickets that are not finished, oldest first; what of them is in flight may still land."""
        tickets = list(self._tickets)
        self._tickets.clear()
        for lane in self._lanes.values():
            self._room.give_back(sum(len(record.value) for record, _ in lane.waiting))
            lane.waiting.clear()
        return tickets

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
        taken: list[tuple[KafkaRecord, Ticket]] = []
        try:
            batch = self._producer.new_batch()
            _fill(batch, lane.waiting, taken)
            await self._producer.send(batch, lane.topic, lane.partition)
        except Exception as trouble:
            self._report(trouble)
            unavailable = trouble if isinstance(trouble, Unavailable) else Unavailable(type(trouble).__name__)
            if self.refuge is None:
                taken.extend(lane.waiting)  # behind a batch that failed, nothing of this partition can be sent in order
                lane.waiting.clear()
                self._fail(taken, unavailable)
            else:
                self.refuge(self.withdraw(), unavailable)
        else:
            self._count_down(taken)
        finally:
            self._room.give_back(sum(len(record.value) for record, _ in taken))

    def _count_down(self, acknowledged: list[tuple[KafkaRecord, Ticket]]) -> None:
        for _, ticket in acknowledged:
            ticket.left -= 1
            if not ticket.left:
                self._tickets.pop(ticket, None)
                ticket.finish()

    def _fail(self, refused: list[tuple[KafkaRecord, Ticket]], trouble: Unavailable) -> None:
        for _, ticket in refused:
            self._tickets.pop(ticket, None)
            ticket.fail(trouble)


def _fill(batch: Any, waiting: deque[tuple[KafkaRecord, Ticket]], taken: list[tuple[KafkaRecord, Ticket]]) -> None:
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
