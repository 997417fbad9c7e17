"""Kafka, and the spool while Kafka is away.

Law: events of one key reach the log in the order of their arrival. As soon as Kafka refuses a batch, or has not
acknowledged the oldest webhook in time, everything that waits goes to the spool, in order, and so does all that comes
after, until the spool is drained. The switch back is made between two turns of the event loop, while newcomers are
held: what is left of the spool is handed to Kafka first, they stand behind it.

What was in flight when Kafka went away may land as well: the same events twice, in the same order, known by their ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ingress.append import KafkaAppend, Ticket
from ingress.producer import Unavailable
from ingress.records import KafkaRecord, partition_of_key
from ingress.room import NoRoom, Room
from ingress.spool.spool import Spool
from ingress.spool.store import Chunk
from runtime.logs import logger

UNTAKEABLE = frozenset(  # what trying again never heals
    {"MessageSizeTooLargeError", "RecordListTooLargeError", "InvalidMessageError", "TypeError", "ValueError"}
)
_CLOSE_BY = 256 * 1024  # bytes that are drained in the moment of the switch
_CHUNK = 512 * 1024
_EVERYTHING = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds between two looks, looks until Kafka is slow; seconds that newcomers are held and the spool stays.

    `check_ticks`: looks after which a disk in trouble is tried again.
    """

    tick: float = 0.1
    slow_ticks: int = 4
    hold: float = 0.2
    shortest_stay: float = 0.5
    longest_stay: float = 8.0
    calm: float = 30.0
    first_pause: float = 0.05
    longest_pause: float = 1.0
    check_ticks: int = 30


class KafkaDoor(Protocol):
    """Whether there is a producer to Kafka."""

    @property
    def ready(self) -> bool:
        """Whether it is connected and not broken."""


class Counts(Protocol):
    """What is counted here."""

    def drained(self, count: int, /) -> None:
        """So many events of the spool are acknowledged by Kafka."""

    def trouble(self, trouble: BaseException, /) -> None:
        """Something failed."""


class SpooledAppend:
    """Makes records safe in Kafka, or on this machine's disk; `start` it before the first webhook."""

    def __init__(
        self,
        kafka: KafkaAppend,
        door: KafkaDoor,
        spool: Spool,
        room: Room,
        counts: Counts,
        *,
        partitions: int,
        patience: Patience | None = None,
    ) -> None:
        self._kafka = kafka
        self._door = door
        self._spool = spool
        self._room = room
        self._counts = counts
        self._partitions = partitions
        self._patience = patience or Patience()
        self._spooling = False
        self._held: list[Ticket] | None = None
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stay = 0.0
        self._not_before = 0.0
        self._switched_at = 0.0
        self._poisoned = False  # the next records hold one that Kafka will not take
        self._resting = False  # the drain waits: nothing of the spool is on its way
        kafka.refuge = self._take_refuge

    @property
    def spooling(self) -> bool:
        """Whether new events go to the spool."""
        return self._spooling

    @property
    def takes(self) -> bool:
        """Whether an event that comes now can be made safe, as far as is known."""
        return self._spool.trouble is None or (not self._spooling and self._door.ready)

    @property
    def standing(self) -> str:
        """`kafka` or `spool`, with the trouble of the spool if there is one."""
        where = "spool" if self._spooling else "kafka"
        return where if self._spool.trouble is None else f"{where}, the spool refuses: {self._spool.trouble}"

    def start(self) -> None:
        """Begin to watch and to drain; the spool is open."""
        if self._spool.left or not self._door.ready:
            self._turn_to_spool("what an earlier run left" if self._spool.left else "Kafka is not there yet")
        self._tasks = [
            asyncio.create_task(self._watch(), name="watch Kafka"),
            asyncio.create_task(self._drain(), name="drain the spool"),
        ]

    async def stop(self) -> None:
        """Drain and watch no more; what is in the spool stays for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def append(self, records: Sequence[KafkaRecord]) -> Coroutine[Any, Any, None]:
        """Make every record safe; raises Unavailable or NoRoom."""
        if self._spooling:
            return self._append_to_spool(records)
        return self._kafka.append(records)

    async def _append_to_spool(self, records: Sequence[KafkaRecord]) -> None:
        if not records:
            return
        ticket = Ticket(records)
        size = ticket.size
        self._room.take(size)
        try:
            if self._held is not None:
                self._held.append(ticket)
            else:
                self._spool.put(ticket)
            await ticket.done
        finally:
            self._room.give_back(size)

    def _take_refuge(self, tickets: list[Ticket], trouble: Unavailable) -> None:
        """Kafka did not take these: those of the spool are there already, the others follow them."""
        if not self._spooling:
            self._turn_to_spool(str(trouble))
        for ticket in tickets:
            if ticket.drained:
                ticket.fail(trouble)
            elif self._held is not None:
                self._held.append(ticket)
            else:
                self._spool.put(ticket)

    def _turn_to_spool(self, why: str) -> None:
        now, patience = asyncio.get_running_loop().time(), self._patience
        again = self._switched_at and now - self._switched_at < patience.calm
        self._stay = min(2 * self._stay, patience.longest_stay) if again and self._stay else patience.shortest_stay
        self._not_before = now + self._stay
        self._spooling = True
        self._wanted.set()
        logger(__name__).warning("events go to the spool (%s)", why)

    async def _watch(self) -> None:
        """Turn to the spool when the oldest webhook is not acknowledged for some looks: one timer for all of them."""
        seen: Ticket | None = None
        written: object = None
        looks = stuck = troubled = 0
        while True:
            await asyncio.sleep(self._patience.tick)
            oldest = self._kafka.oldest
            looks = looks + 1 if oldest is not None and oldest is seen else 0
            seen = oldest
            if looks == 1 and not self._spooling:
                self._spool.prepare()
            if looks >= self._patience.slow_ticks and not self._spooling:
                self._take_refuge(self._kafka.withdraw(), Unavailable("KafkaSlow"))
            if self._resting and self._spool.left and not self._spooling:  # a disk that could not be read at the start
                self._take_refuge(self._kafka.withdraw(), Unavailable("SpoolFound"))
            stuck = stuck + 1 if written is not None and written is self._spool.writing else 0
            written = self._spool.writing
            if stuck >= 2 * self._patience.slow_ticks:
                self._spool.hangs()
            troubled = troubled + 1 if self._spool.trouble is not None else 0
            if troubled and troubled % self._patience.check_ticks == 0:
                self._spool.check_again()

    async def _drain(self) -> None:
        pause = self._patience.first_pause
        while True:
            self._resting = True
            await self._wanted.wait()
            self._resting = False
            try:
                await self._step()
                pause = self._patience.first_pause
            except (Unavailable, NoRoom):
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._patience.longest_pause)
            except Exception as trouble:
                self._counts.trouble(trouble)
                logger(__name__).error("the spool cannot be drained (%s), trying again", type(trouble).__name__)
                await asyncio.sleep(self._patience.longest_pause)

    async def _step(self) -> None:
        if not self._door.ready:
            raise Unavailable("KafkaAway")
        if self._may_switch_back():
            await self._switch_back()
        elif self._spool.left:
            chunk = await self._spool.read(_CHUNK)
            await self._send(self._placed(chunk.records))
            await self._drained(chunk)
            self._poisoned = False
        else:
            await asyncio.sleep(self._patience.tick)

    def _may_switch_back(self) -> bool:
        rested = asyncio.get_running_loop().time() >= self._not_before
        return rested and self._spool.left <= _CLOSE_BY and not self._kafka.busy and not self._poisoned

    async def _switch_back(self) -> None:
        self._held = []
        try:
            chunk = await self._rest()
            last = Ticket(self._placed(chunk.records), drained=True)
            switched = chunk.complete and self._door.ready
            if switched:
                self._give_to_kafka(last)
        finally:
            held, self._held = self._held, None
            for ticket in held:
                self._put(ticket)
        if switched:
            await self._acknowledged(last)
            await self._drained(chunk)

    async def _acknowledged(self, last: Ticket) -> None:
        try:
            await last.done
        except Unavailable as trouble:
            self._poisoned = str(trouble) in UNTAKEABLE
            raise

    async def _rest(self) -> Chunk:
        try:
            async with asyncio.timeout(self._patience.hold):
                await self._spool.quiet()
                return await self._spool.read(_EVERYTHING)
        except TimeoutError:
            raise Unavailable("SpoolSlow") from None

    def _give_to_kafka(self, last: Ticket) -> None:
        """The moment of the switch: nothing runs in between, until the held ones stand behind the last of the spool."""
        if last.records:
            self._kafka.submit(last)
        else:
            last.finish()
        self._spooling = False
        self._switched_at = asyncio.get_running_loop().time()
        self._wanted.clear()
        logger(__name__).info("the spool is drained, events go to Kafka again")

    def _put(self, ticket: Ticket) -> None:
        if self._spooling:
            self._spool.put(ticket)
            return
        try:
            self._kafka.submit(ticket)
        except NoRoom:
            ticket.fail(Unavailable("NoRoom"))

    async def _drained(self, chunk: Chunk) -> None:
        self._counts.drained(chunk.events)
        await self._spool.advance(chunk)

    async def _send(self, records: Sequence[KafkaRecord]) -> None:
        """Return when all are acknowledged; one that Kafka will never take is kept aside, so that the others go on."""
        ticket = Ticket(records, drained=True)
        if not records:
            return
        while not self._door.ready:  # noqa: ASYNC110  a producer that a refusal has ended is replaced in a moment
            await asyncio.sleep(self._patience.tick)
        self._kafka.submit(ticket)
        try:
            await ticket.done
        except Unavailable as trouble:
            if str(trouble) not in UNTAKEABLE:
                raise
            await self._send_apart(records)

    async def _send_apart(self, records: Sequence[KafkaRecord]) -> None:
        if len(records) == 1:
            logger(__name__).error("Kafka will never take a record of the spool: it is kept aside")
            await self._spool.refuse(records[0])
            return
        half = len(records) // 2
        await self._send(records[:half])
        await self._send(records[half:])

    def _placed(self, records: Sequence[KafkaRecord]) -> list[KafkaRecord]:
        """The records where their keys belong now, should the topics have been made anew since."""
        return [record._replace(partition=partition_of_key(record.key, self._partitions)) for record in records]
