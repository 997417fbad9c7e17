"""The spool as the event loop sees it: many waiting webhooks share one sync of the disk.

Law: nothing here waits for the disk; who waits gets an answer or gives up. A webhook that cannot be made safe is
refused at once, and the first refusal is told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from ingress.append import Ticket
from ingress.producer import Unavailable
from ingress.records import KafkaRecord
from ingress.spool.contents import events_in
from ingress.spool.disk_thread import DiskThread
from ingress.spool.store import FULL, Chunk, OtherKey, SpoolStore, name_of
from runtime.logs import logger

STUCK = "stuck"
_OTHER_KEY = "other_key"
_LARGEST_BATCH = 4 * 1024 * 1024


class SpoolRefused(Unavailable):
    """The spool did not take it; `str()` is a word: `full`, `ENOSPC`, `EIO`, `EROFS`."""


class Spool:
    """Takes webhooks to the disk and reads them back, all in the thread of the disk."""

    def __init__(self, store: SpoolStore, thread: DiskThread, *, spooled: Callable[[int], None]) -> None:
        self._store = store
        self._thread = thread
        self._spooled = spooled
        self._waiting: deque[Ticket] = deque()
        self._committing: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self.writing: object | None = None  # the batch that is being written
        self.trouble: str | None = None

    @property
    def bytes(self) -> int:
        """Bytes on the disk."""
        return self._store.bytes

    @property
    def events(self) -> int:
        """Events on the disk that are not drained."""
        return self._store.events

    @property
    def left(self) -> int:
        """Bytes that are not drained."""
        return self._store.left

    @property
    def damaged(self) -> int:
        """Parts that were passed over."""
        return self._store.damaged

    async def open(self) -> None:
        """Find what an earlier process left; raises OtherKey. Trouble of the disk is kept for who asks."""
        try:
            await self._thread.run(self._store.open)
        except OSError as trouble:
            self._in_trouble(name_of(trouble))

    def put(self, ticket: Ticket) -> None:
        """Take the records of a ticket; it is told when they are safe, or refused."""
        self._waiting.append(ticket)
        if self._committing is None:
            self._committing = asyncio.get_running_loop().create_task(self._commit())

    async def quiet(self) -> None:
        """Return when nothing waits for the disk."""
        while self._committing is not None:
            await asyncio.wait([self._committing])

    async def read(self, limit: int) -> Chunk:
        """The next records that are not drained; raises OSError."""
        return await self._thread.run(lambda: self._store.read(limit))

    async def advance(self, chunk: Chunk) -> None:
        """The chunk is in Kafka; what is drained is deleted."""
        trouble = await self._thread.run(lambda: self._store.advance(chunk))
        if trouble is not None:
            self._in_trouble(trouble)
        elif self.trouble == FULL:
            self._out_of_trouble()

    async def refuse(self, record: KafkaRecord) -> None:
        """Keep aside a record that Kafka will never take."""
        await self._thread.run(lambda: self._store.refuse(record))

    def hangs(self) -> None:
        """Somebody saw that the disk does not answer: those who gave up are forgotten."""
        self._in_trouble(STUCK)
        self._waiting = deque(ticket for ticket in self._waiting if not ticket.done.done())

    def prepare(self) -> None:
        """Kafka looks slow: have a segment ready, in the background."""
        if self._preparing is None or self._preparing.done():
            self._preparing = asyncio.get_running_loop().create_task(self._prepare())

    def check_again(self) -> None:
        """See whether a disk in trouble takes something now; in the background."""
        if self._checking is None and self._committing is None and self.trouble not in (None, FULL):
            self._checking = asyncio.get_running_loop().create_task(self._check())

    async def close(self, timeout: float) -> None:
        """Wait for what is being written, at most `timeout` seconds, and give the files back."""
        if self._committing is not None:
            await asyncio.wait([self._committing], timeout=timeout)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._thread.run(self._store.close)

    async def _prepare(self) -> None:
        with contextlib.suppress(OSError, OtherKey):  # left to the first who needs it
            await self._thread.run(self._store.prepare)

    async def _check(self) -> None:
        try:
            await self._thread.run(self._store.check)
        except (OSError, OtherKey) as trouble:
            self._in_trouble(name_of(trouble) if isinstance(trouble, OSError) else _OTHER_KEY)
        else:
            self._out_of_trouble()
        finally:
            self._checking = None

    async def _commit(self) -> None:
        try:
            while self._waiting:
                await self._commit_batch(self._batch())
        finally:
            self._committing = None

    async def _commit_batch(self, batch: list[Ticket]) -> None:
        self.writing = batch
        try:
            outcomes = await self._thread.run(lambda: self._store.commit([ticket.records for ticket in batch]))
        except (OSError, OtherKey) as trouble:
            name = name_of(trouble) if isinstance(trouble, OSError) else _OTHER_KEY
            self._in_trouble(name)
            for ticket in batch:
                ticket.fail(SpoolRefused(name))
            return
        finally:
            self.writing = None
        for ticket, outcome in zip(batch, outcomes, strict=True):
            if outcome.refused is None:
                self._spooled(events_in(ticket.records))
                ticket.finish()
            else:
                self._in_trouble(outcome.refused)
                ticket.fail(SpoolRefused(outcome.refused))
        if not any(outcome.refused for outcome in outcomes):
            self._out_of_trouble()

    def _batch(self) -> list[Ticket]:
        batch, size = [], 0
        while self._waiting and size < _LARGEST_BATCH:
            ticket = self._waiting.popleft()
            if not ticket.done.done():  # who gave up was answered 503
                batch.append(ticket)
                size += ticket.size
        return batch

    def _in_trouble(self, name: str) -> None:
        if self.trouble is None:
            logger(__name__).error("the spool takes nothing (%s): webhooks are answered 503 while Kafka is away", name)
        self.trouble = name

    def _out_of_trouble(self) -> None:
        if self.trouble is not None:
            logger(__name__).info("the spool takes events again")
        self.trouble = None
