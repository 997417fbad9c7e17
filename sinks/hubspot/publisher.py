"""Outcomes out, then offsets.

Law: an offset is committed only after the outcome of its change, and of all before it, is acknowledged by Kafka. Who
may have lost the partition publishes nothing; commits for lost partitions are refused by Kafka and forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from runtime.appender import Appender, Outgoing
from runtime.lease import Lease, LeaseLost
from runtime.logs import logger
from runtime.metrics import Metrics
from schemas.cloud_events import outcome_headers
from schemas.codec import encode
from schemas.outcomes import Outcome
from schemas.topics import OUTCOMES
from sinks.hubspot.lanes import Work
from sinks.progress import Progress

_LOOK_AGAIN = 0.1
_LOG = logger(__name__)

Commit = Callable[[Mapping[int, int]], Awaitable[None]]


class Publisher:
    """Appends outcomes and commits what is done."""

    def __init__(self, appender: Appender, progress: Progress, commit: Commit, lease: Lease, metrics: Metrics) -> None:
        self._appender, self._progress, self._commit = appender, progress, commit
        self._lease, self._metrics = lease, metrics
        self._committing = asyncio.Lock()

    async def publish(self, answered: Sequence[tuple[Work, Outcome]]) -> None:
        """Append the outcomes, await Kafka, commit. Waits while the lease is away; aiokafka's errors end the sink."""
        by_partition: dict[int, list[Outgoing]] = {}
        for work, outcome in answered:
            record: Outgoing = (outcome.friend.encode(), encode(outcome), outcome_headers(outcome))
            by_partition.setdefault(work.partition, []).append(record)
        await asyncio.gather(*[self.append(OUTCOMES.name, partition, run) for partition, run in by_partition.items()])
        for work, outcome in answered:
            self._metrics.sent(int(self._progress.done(work.partition, work.offset)))
            self._metrics.outcome(outcome.result)
        await self.commit()

    async def append(self, topic: str, partition: int, records: list[Outgoing]) -> None:
        """Append while the lease is held, and wait for it otherwise: a rebalance cancels the wait."""
        while True:
            try:
                await self._appender.append(topic, partition, records)
            except LeaseLost:
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                return

    async def commit(self) -> None:
        """Commit what is done in order."""
        async with self._committing:
            offsets = self._progress.committable()
            if not offsets:
                return
            try:
                await self._commit(offsets)
            except (CommitFailedError, IllegalStateError) as lost:
                _LOG.info("offsets not committed, the partitions are being given to others (%s)", type(lost).__name__)
            except KafkaError as trouble:
                _LOG.warning("offsets not committed, the next commit includes them (%s)", type(trouble).__name__)
            else:
                self._progress.committed(offsets)
