"""The sweep: the slow walk over all friends that finds what people did in HubSpot.

Law: it reads and tells, and writes to nobody's contact: the fold decides. It tells only of rows that are still newest,
holds up no change, and ends nothing: whatever goes wrong in it is counted and begun anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from domain.sweep import look_of, retries_a_rejection, sight_of, unanswered
from runtime.appender import Outgoing
from runtime.logs import logger
from runtime.metrics import Metrics
from schemas.cloud_events import outcome_headers
from schemas.codec import Unreadable, encode
from schemas.friends import read_friend_state
from schemas.outcomes import Outcome
from schemas.topics import OUTCOMES
from sinks.hubspot.deliverer import Deliverer
from sinks.hubspot.lost import LostAnswers
from sinks.hubspot.portal import Portal
from sinks.hubspot.publisher import Publisher
from sinks.hubspot.rows import Rows
from sinks.hubspot.sweep_calls import SweepCalls
from sinks.hubspot.visits import BATCH, QUESTIONS, Question, Queue, Standing, Visit, keys_of, properties_for, share_out

FIRST_WALK_SECONDS = 60.0
AFTER_FAILURE_SECONDS = 30.0
STOP_SECONDS = 2.0
REJECTIONS_SPARED = 10  # of those in a row that the sink takes for a bug of ours
_LOG = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The last whole walk: when it ended (ms), how long it took, how many friends it came to."""

    ended_at: int
    seconds: float
    friends: int


class Sweep:
    """Walks over the partitions given to `start`, each at most once in `seconds`, until `stop`."""

    def __init__(
        self,
        *,
        brokers: str,
        seconds: float,
        calls: SweepCalls,
        lost: LostAnswers,
        portal: Portal,
        publisher: Publisher,
        deliverer: Deliverer,
        metrics: Metrics,
        monotonic: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._brokers, self._seconds, self._calls, self._lost = brokers, seconds, calls, lost
        self._portal, self._publisher, self._deliverer, self._metrics = portal, publisher, deliverer, metrics
        self._monotonic, self._now_ms = monotonic, now_ms
        self._walked: dict[int, float] = {}  # when the last whole walk over a partition began
        self._queues: dict[Question, Queue] = {}
        self._task: asyncio.Task[None] | None = None
        self._friends = 0
        self._retried = 0
        self.last: Walk | None = None

    def start(self, partitions: Iterable[int]) -> None:
        """Walk over these partitions from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run(sorted(partitions)), name="hubspot sweep")

    async def stop(self) -> None:
        """End the walk where it is: the next owner begins its own."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait({task}, timeout=STOP_SECONDS)

    async def _run(self, partitions: Sequence[int]) -> None:
        await asyncio.sleep(min(self._seconds, FIRST_WALK_SECONDS))
        while True:
            began = self._monotonic()
            waits = {p: self._walked[p] + self._seconds - began for p in partitions if p in self._walked}
            due = sorted((p for p in partitions if waits.get(p, 0.0) <= 0), key=lambda p: self._walked.get(p, 0.0))
            if not due:
                await asyncio.sleep(max(min(waits.values(), default=self._seconds), 0.01))
                continue
            try:
                await self._walk(due)
            except Exception as failure:
                self._metrics.error("sweep")
                _LOG.warning("the sweep begins anew in %d s: %s", AFTER_FAILURE_SECONDS, type(failure).__name__)
                await asyncio.sleep(AFTER_FAILURE_SECONDS)
            else:
                self._ended(due, began)

    def _ended(self, partitions: Sequence[int], began: float) -> None:
        self._walked |= dict.fromkeys(partitions, began)
        seconds = self._monotonic() - began
        self.last = Walk(ended_at=self._now_ms(), seconds=round(seconds, 1), friends=self._friends)
        self._metrics.gauge("sweep_seconds", seconds)

    async def _walk(self, partitions: Sequence[int]) -> None:
        self._queues = {question: Queue() for question in QUESTIONS}
        self._friends = self._retried = 0
        for partition in partitions:
            rows = Rows(self._brokers, partition)
            await rows.catch_up()
            waiting_in_vain = await self._lost.before(partition, rows.end)
            await self._go_through(rows, waiting_in_vain)
        await self._ask(all_of_them=True)

    async def _go_through(self, rows: Rows, waiting_in_vain: int) -> None:
        """Visit every friend of a partition; `waiting_in_vain`: see LostAnswers."""
        lost: list[Standing] = []
        async with aclosing(rows.newest()) as newest:
            async for key, offset, value in newest:
                friend = self._read(rows, key, offset, value)
                if friend is None:
                    continue
                look = look_of(friend.row, now=self._now_ms())
                if look is not None:
                    visit = Visit(friend=friend, look=look)
                    self._queues[visit.question].put(visit, self._monotonic())
                    await self._ask()
                elif friend.row.sent is not None and offset < waiting_in_vain:
                    lost.append(friend)
                    lost = await self._give_up(lost) if len(lost) >= BATCH else lost
        await self._give_up(lost)

    def _read(self, rows: Rows, key: bytes, offset: int, value: bytes) -> Standing | None:
        self._friends += 1
        self._metrics.gauge("sweep_friends", self._friends)
        try:
            return Standing(rows=rows, key=key, offset=offset, row=read_friend_state(value))
        except Unreadable:
            self._metrics.error("sweep_row")
            return None

    async def _ask(self, *, all_of_them: bool = False) -> None:
        """Make the calls that are due; answers lead to further questions, and in the end to sights."""
        for question in QUESTIONS:
            queue = self._queues[question]
            while queue.is_due(self._monotonic(), all_of_them=all_of_them):
                visits = queue.take()
                by_email = question == "by_email"
                items = await self._calls.read(
                    keys_of(visits),
                    properties_for(visits),
                    archived=question == "in_bin",
                    id_property="email" if by_email else None,
                )
                answered = share_out(visits, items, self._calls.asked_at)
                for visit in answered:
                    if not visit.is_over:
                        self._queues[visit.question].put(visit, self._monotonic())
                await self._judge([visit for visit in answered if visit.is_over])

    async def _judge(self, visits: Sequence[Visit]) -> None:
        told: list[tuple[Standing, Outcome]] = []
        for visit in visits:
            sight = sight_of(
                visit.friend.row,
                visit.seen,
                generation=self._deliverer.generation,
                removed=self._portal.removed(),
            )
            if sight is not None and self._may_tell(visit.friend, sight):
                told.append((visit.friend, sight))
        await self._tell(told)

    def _may_tell(self, friend: Standing, sight: Outcome) -> bool:
        """Rejected friends are tried again by so few at a time that the sink never takes them for a bug of ours."""
        if not retries_a_rejection(friend.row, sight):
            return True
        if self._deliverer.rejections_left - self._retried <= REJECTIONS_SPARED:
            return False
        self._retried += 1
        return True

    async def _give_up(self, lost: Sequence[Standing]) -> list[Standing]:
        """Changes whose answer does not come; an empty list to go on with."""
        now, generation = self._now_ms(), self._deliverer.generation
        found = [(friend, unanswered(friend.row, now=now, generation=generation)) for friend in lost]
        await self._tell([(friend, outcome) for friend, outcome in found if outcome is not None])
        return []

    async def _tell(self, told: Sequence[tuple[Standing, Outcome]]) -> None:
        """Publish what is true of rows that are still newest: a friend who moved on is looked at in the next walk."""
        for rows in {friend.rows for friend, _outcome in told}:
            await rows.catch_up()
            outcomes = [outcome for friend, outcome in told if friend.rows is rows and friend.is_newest]
            records: list[Outgoing] = [(one.friend.encode(), encode(one), outcome_headers(one)) for one in outcomes]
            if not records:
                continue
            await self._publisher.append(OUTCOMES.name, rows.partition, records)
            for outcome in outcomes:
                self._metrics.sight(outcome.result)
