"""Every topic: its name, what cleans it, how long it keeps what.

Law: a topic is declared here or it does not exist. All are keyed, all but `connections.v1` have the same number of
partitions, and the fold's source topics are cleaned by deletion only: compaction would leave holes in their offsets.
"""

from dataclasses import dataclass
from typing import Literal

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MAX_MESSAGE_BYTES = 4 * 1024 * 1024

Retention = Literal["content", "week", "forever"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic: `content` is kept as long as RETENTION_DAYS says, `week` at most 7 days, `forever` until compacted."""

    name: str
    cleanup: Literal["delete", "compact"]
    retention: Retention
    one_partition: bool = False


EVENTS = Topic(name="line.events.v1", cleanup="delete", retention="content")
REQUESTS = Topic(name="line.requests.v1", cleanup="delete", retention="week")
RESULTS = Topic(name="line.results.v1", cleanup="delete", retention="content")
CHANGES = Topic(name="contact.changes.v1", cleanup="compact", retention="forever")
OUTCOMES = Topic(name="contact.outcomes.v1", cleanup="delete", retention="content")
FRIENDS = Topic(name="friends.v1", cleanup="compact", retention="forever")
DECISIONS = Topic(name="friend.decisions.v1", cleanup="delete", retention="content")
CONNECTIONS = Topic(name="connections.v1", cleanup="compact", retention="forever", one_partition=True)
DEAD_LETTERS = Topic(name="dead.letters.v1", cleanup="delete", retention="content")

ALL = (EVENTS, REQUESTS, RESULTS, CHANGES, OUTCOMES, FRIENDS, DECISIONS, CONNECTIONS, DEAD_LETTERS)
FOLD_SOURCES = (EVENTS, RESULTS, OUTCOMES)

NOBODY = b"-"  # key of a change that is empty and means nobody: see processors/segment_roll.py

FOLD_GROUP = "friendstream-fold"
HUBSPOT_GROUP = "friendstream-hubspot"
LINE_GROUP = "friendstream-line"
REBUILD_GROUP = "friendstream-rebuild"  # its offset in friends.v1-0: 0 while a rebuild is not finished, else 1


def partitions_of(topic: Topic, partitions: int) -> int:
    """How many partitions the topic has where FRIENDSTREAM_PARTITIONS is `partitions`."""
    return 1 if topic.one_partition else partitions


def retention_ms(topic: Topic, retention_days: int) -> int:
    """Milliseconds a record is kept; -1 = until compacted."""
    if topic.retention == "forever":
        return -1
    return (min(7, retention_days) if topic.retention == "week" else retention_days) * DAY_MS


def config(topic: Topic, retention_days: int) -> dict[str, str]:
    """The topic's configuration in Kafka's names."""
    settings = {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention_ms(topic, retention_days)),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "message.timestamp.after.max.ms": str(2**63 - 1),  # our clock may be ahead of the broker's by any time
    }
    if topic.cleanup == "compact":
        settings |= {
            "max.compaction.lag.ms": str(DAY_MS),
            "min.cleanable.dirty.ratio": "0.1",
            "segment.ms": str(HOUR_MS),
            "delete.retention.ms": str(7 * DAY_MS),  # longer than the longest stop of a reader
        }
    return settings
