"""The fold as the sweep's tests need it: the real turn over the real topics, in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec.structs import replace

from domain.policy import FoldPolicy
from domain.turn import Incoming, turn
from runtime.appender import Appender, partition_of
from runtime.clock import now_ms
from runtime.log_reader import read_log
from schemas.codec import encode
from schemas.events import EventRecord
from schemas.friends import FriendState
from schemas.outcomes import Outcome, read_outcome
from schemas.topics import CHANGES, EVENTS, FOLD_GROUP, FRIENDS, OUTCOMES

LOOK_AGAIN = 0.1


class Fold:
    """Holds all states; `run` folds outcomes as they come, `happens` what people do in LINE."""

    def __init__(self, brokers: str, partitions: int, appender: Appender) -> None:
        self._brokers, self._partitions, self._appender = brokers, partitions, appender
        self.states: dict[str, FriendState] = {}
        self.sights: list[Outcome] = []
        self._next = dict.fromkeys(range(partitions), 0)
        self._events = 0
        self.stands_still = False
        self._lock = asyncio.Lock()

    async def happens(self, friend: str, kind: str, **fields: Any) -> None:
        """One event of a friend on connection 1, now."""
        now = now_ms()
        event = {"type": kind, "timestamp": now, "source": {"type": "user", "userId": friend}, **fields}
        origin: Any = "operator" if kind == "resync" else "webhook"
        self._events += 1
        if origin == "webhook":
            event["webhookEventId"] = f"01J{self._events:023d}"
        record = EventRecord(connection=1, received_at=now, origin=origin, event=event)
        async with self._lock:
            await self._turn(friend, [Incoming(EVENTS.name, self._partition(friend), self._events, record)])

    async def writes(self, friend: str, text: str) -> None:
        """The friend writes a message."""
        await self.happens(friend, "message", message={"id": f"m{self._events}", "type": "text", "text": text})

    async def seed(self, friend: str, **fields: Any) -> None:
        """Change a row by hand."""
        async with self._lock:
            state = self.states[friend]
            await self._keep(friend, replace(state, revision=state.revision + 1, **fields))

    async def run(self) -> None:
        """Fold outcomes until cancelled."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._brokers, group_id=FOLD_GROUP, enable_auto_commit=False)
        await consumer.start()
        where = [TopicPartition(OUTCOMES.name, partition) for partition in range(self._partitions)]
        consumer.assign(where)
        try:
            while True:
                if not self.stands_still:
                    await self.catch_up()
                await consumer.commit({tp: self._next[tp.partition] for tp in where})
                await asyncio.sleep(LOOK_AGAIN)
        finally:
            await consumer.stop()

    async def catch_up(self) -> None:
        """Fold the outcomes that came since."""
        async with self._lock:
            async for record in read_log(self._brokers, OUTCOMES.name, start=dict(self._next)):
                self._next[record.partition] = record.offset + 1
                outcome = read_outcome(record.value)
                if outcome.read_at is not None:
                    self.sights.append(outcome)
                await self._turn(outcome.friend, [Incoming(OUTCOMES.name, record.partition, record.offset, outcome)])

    async def _turn(self, friend: str, items: Sequence[Incoming]) -> None:
        made = turn(friend, self.states.get(friend), items, now=now_ms(), policy=FoldPolicy())
        records = [(change.friend.encode(), encode(change), []) for change in made.changes]
        await self._appender.append(CHANGES.name, self._partition(friend), records)
        if made.state is not None:
            await self._keep(friend, made.state)

    async def _keep(self, friend: str, state: FriendState) -> None:
        self.states[friend] = state
        await self._appender.append(FRIENDS.name, self._partition(friend), [(friend.encode(), encode(state), [])])

    def _partition(self, friend: str) -> int:
        return partition_of(friend.encode(), self._partitions)
