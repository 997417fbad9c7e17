"""May the fold start? Asked once, before the worker joins its group.

Laws
1. Changes that follow from committed events, without any state, mean that friends.v1 was lost. Folding from nothing
   would re-create contacts that people deleted, so the worker refuses. No history at all is a first start, and so is a
   crash in the very first run, between emitting a change and persisting its state: nothing was committed behind it.
2. The witness is the log end offset of friends.v1: compaction and tombstones never lower it, so 0 in all partitions
   means "never written, or re-created".
3. A rebuild that was not finished leaves a mark (the offset of a group of its own): half of the friends are no state.
4. A missing topic, or one with another partition count, is a refusal: Faust would start and consume nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from runtime.brokers import wait_until_reachable
from runtime.log_reader import read_log
from runtime.refusal import MISCONFIGURED, UNAVAILABLE, Refusal
from schemas import topics
from schemas.changes import read_change
from schemas.codec import Unreadable

SOURCES = tuple(topic.name for topic in topics.FOLD_SOURCES)
NEEDED = (
    *SOURCES,
    *(t.name for t in (topics.FRIENDS, topics.CHANGES, topics.REQUESTS, topics.DECISIONS, topics.DEAD_LETTERS)),
)

Committed = Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the logs tell about earlier runs of the fold."""

    states_written: bool
    changes_written: bool
    outcomes_written: bool
    sources_trimmed: bool
    rebuild_unfinished: bool = False
    committed: Committed


async def allow_start(brokers: str, *, patience: float = 30.0) -> int:
    """The partition count of the friends; raises Refusal 69 (no Kafka within `patience` s) or 78."""
    await wait_until_reachable(brokers, timeout=patience)
    admin, reader = AIOKafkaAdminClient(bootstrap_servers=brokers), AIOKafkaConsumer(bootstrap_servers=brokers)
    try:
        await admin.start()
        await reader.start()
        count = even_count(await _partition_counts(admin))
        history = await _history(admin, reader, count)
    except KafkaError as trouble:
        raise _kafka_away(brokers, trouble) from trouble
    finally:
        await reader.stop()
        await admin.close()
    if history.rebuild_unfinished:
        raise _rebuild_unfinished()
    if not history.states_written and await _state_was_lost(brokers, history):
        raise _state_lost()
    return count


def even_count(counts: Mapping[str, int]) -> int:
    """The one partition count of all topics; raises Refusal 78 where one is missing or differs."""
    if missing := sorted(set(NEEDED) - counts.keys()):
        raise Refusal(
            MISCONFIGURED,
            "topics_missing",
            f"the fold cannot start: missing topics: {', '.join(missing)}",
            next_step="friendstream topics create",
        )
    uneven = {topic: counts[topic] for topic in NEEDED}
    if len(set(uneven.values())) != 1:
        listed = ", ".join(f"{topic} {count}" for topic, count in sorted(uneven.items()))
        raise Refusal(
            MISCONFIGURED,
            "partitions_differ",
            f"the fold cannot start: its topics must have equal partition counts, but have: {listed}",
            next_step="friendstream topics check tells what each should have; a partition count is never altered",
        )
    return uneven[topics.FRIENDS.name]


def contradicts(history: History, causes: Sequence[tuple[str, int, int]]) -> bool:
    """Whether a change that follows from these records (topic, partition, offset) must have left a state behind.

    A run is committed only after its states were persisted.
    """
    return any(offset < history.committed.get((topic, partition), 0) for topic, partition, offset in causes)


async def _state_was_lost(brokers: str, history: History) -> bool:
    worked = any(offset > 0 for offset in history.committed.values())
    if not worked:  # offsets that expired look like a first start, but not to a log whose beginning has expired, too
        return history.sources_trimmed and (history.changes_written or history.outcomes_written)
    if not history.changes_written:
        return history.outcomes_written
    async for record in read_log(brokers, topics.CHANGES.name):
        if record.value is None:
            continue
        try:
            change = read_change(record.value)
        except Unreadable:
            return True
        if contradicts(history, [(cause.topic, cause.partition, cause.offset) for cause in change.causes]):
            return True
    return False


async def _partition_counts(admin: Any) -> dict[str, int]:
    found = await admin.describe_topics(list(NEEDED))
    return {topic["topic"]: len(topic["partitions"]) for topic in found if not topic["error_code"]}


async def _history(admin: Any, reader: Any, count: int) -> History:
    async def written(topic: str) -> bool:
        return any((await reader.end_offsets(_all(topic, count))).values())

    beginnings = await reader.beginning_offsets([tp for topic in SOURCES for tp in _all(topic, count)])
    committed = await admin.list_consumer_group_offsets(topics.FOLD_GROUP)
    mark = (await admin.list_consumer_group_offsets(topics.REBUILD_GROUP)).get(TopicPartition(topics.FRIENDS.name, 0))
    return History(
        states_written=await written(topics.FRIENDS.name),
        changes_written=await written(topics.CHANGES.name),
        outcomes_written=await written(topics.OUTCOMES.name),
        sources_trimmed=any(beginnings.values()),
        rebuild_unfinished=mark is not None and mark.offset == 0,
        committed={(tp.topic, tp.partition): at.offset for tp, at in committed.items() if tp.topic in SOURCES},
    )


def _all(topic: str, count: int) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in range(count)]


def _state_lost() -> Refusal:
    return Refusal(
        MISCONFIGURED,
        "state_lost",
        "the fold cannot start: changes were sent for events that are folded, but friends.v1 was never written or was"
        " re-created. Folding from an empty state would re-create contacts that people deleted",
        where=f"topic {topics.FRIENDS.name}",
        next_step="restore friends.v1 from a backup, or make the states again from HubSpot and the log: start Kafka"
        " alone (where it is embedded: friendstream run broker), then: friendstream rebuild",
    )


def _rebuild_unfinished() -> Refusal:
    return Refusal(
        MISCONFIGURED,
        "rebuild_unfinished",
        "the fold cannot start: a rebuild of the states was begun and not finished, so friends may be missing",
        where=f"topic {topics.FRIENDS.name}",
        next_step="run friendstream rebuild again, to its end",
    )


def _kafka_away(brokers: str, trouble: Exception) -> Refusal:
    return Refusal(
        UNAVAILABLE,
        "kafka_unavailable",
        f"Kafka went away while its topics were looked at: {type(trouble).__name__}.",
        where=brokers,
        next_step="see that it runs and can be reached from here; the fold can be started again at any time",
    )
