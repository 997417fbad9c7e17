"""What `rebuild` writes, and in which order.

Law: until the last step is done, a mark says that a rebuild is not finished: the fold refuses to start on half of the
friends, and `rebuild` may be run again, as often as it is killed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.rebuild_reading import Ends
from runtime.appender import Appender, Outgoing
from runtime.clock import now_ms
from runtime.log_reader import committed
from schemas.cloud_events import event_headers
from schemas.codec import encode
from schemas.events import EventRecord, event_id
from schemas.friends import FriendState
from schemas.topics import EVENTS, FOLD_GROUP, FOLD_SOURCES, FRIENDS, REBUILD_GROUP

AT_ONCE = 2_000
MARK = TopicPartition(FRIENDS.name, 0)
BEGUN, FINISHED = 0, 1


async def is_unfinished(brokers: str) -> bool:
    """Whether a rebuild began and did not end."""
    return (await committed(brokers, REBUILD_GROUP)).get(MARK) == BEGUN


async def begin(brokers: str) -> None:
    """From now on the fold refuses to start."""
    await _commit(brokers, REBUILD_GROUP, {MARK: BEGUN})


async def finish(brokers: str) -> None:
    """From now on it may."""
    await _commit(brokers, REBUILD_GROUP, {MARK: FINISHED})


async def write(brokers: str, states: list[FriendState], unsettled: list[FriendState], ends: Ends) -> None:
    """Rows, then the fold's place in its sources, then the wish that the fold settles who is not in place."""
    appender = Appender(brokers, client_id="friendstream-rebuild")
    try:
        await _append(appender, FRIENDS.name, len(ends.events), map(_row, states))
        places = {TopicPartition(t.name, p): end for t in FOLD_SOURCES for p, end in ends.of(t.name).items()}
        await _commit(brokers, FOLD_GROUP, places)
        await _append(appender, EVENTS.name, len(ends.events), map(_resync, unsettled))
    finally:
        await appender.stop()


def forget_local_rows(data_dir: Path) -> None:
    """Rows that a fold of this machine keeps on disk are those of the lost topic."""
    shutil.rmtree(data_dir / "fold", ignore_errors=True)


async def _append(appender: Appender, topic: str, partitions: int, records: Iterable[Outgoing]) -> None:
    chunk: list[Outgoing] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == AT_ONCE:
            await appender.append_by_key(topic, partitions, chunk)
            chunk = []
    await appender.append_by_key(topic, partitions, chunk)


async def _commit(brokers: str, group: str, places: Mapping[TopicPartition, int]) -> None:
    # A consumer that never subscribes may commit for its group without joining it.
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, group_id=group, enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(list(places))
        await consumer.commit(dict(places))
    finally:
        await consumer.stop()


def _row(state: FriendState) -> Outgoing:
    return state.friend.encode(), encode(state), []


def _resync(state: FriendState) -> Outgoing:
    now = now_ms()
    record = EventRecord(
        connection=min((int(number) for number in state.connections), default=0),
        received_at=now,
        origin="operator",
        event={"type": "resync", "timestamp": now, "source": {"type": "user", "userId": state.friend}},
    )
    return state.friend.encode(), encode(record), event_headers(record, event_id(record.connection, record.event), now)
