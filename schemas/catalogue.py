"""Which records a topic carries, who writes and who reads it: the table of the contract, for documents and tests.

Law: every topic stands here once, with the type that its records are made of.
"""

from dataclasses import dataclass
from typing import Literal

from schemas import topics
from schemas.changes import Change
from schemas.codec import Record
from schemas.connections import ConnectionRecord, PortalRecord, SinkRecord
from schemas.decisions import DecisionRecord
from schemas.events import EventRecord
from schemas.friends import FriendState
from schemas.outcomes import Outcome
from schemas.requests import Request
from schemas.results import Result
from schemas.topics import Topic

FRIEND = "LINE user id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One topic: the types of its records (none: any bytes), its key in words, writers and readers by role."""

    topic: Topic
    records: tuple[type[Record], ...]
    key: str
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    headers: Literal["none", "cloud_events", "dead_letter"] = "none"
    personal: bool = True


CATALOGUE = (
    Entry(
        topic=topics.EVENTS,
        records=(EventRecord,),
        key="by source: user id, group id, room id, else connection:N",
        written_by=("ingress", "import"),
        read_by=("fold", "data-teams"),
        headers="cloud_events",
    ),
    Entry(topic=topics.REQUESTS, records=(Request,), key=FRIEND, written_by=("fold", "web"), read_by=("line-sink",)),
    Entry(topic=topics.RESULTS, records=(Result,), key=FRIEND, written_by=("line-sink",), read_by=("fold",)),
    Entry(topic=topics.CHANGES, records=(Change,), key=FRIEND, written_by=("fold",), read_by=("hubspot-sink",)),
    Entry(
        topic=topics.OUTCOMES,
        records=(Outcome,),
        key=FRIEND,
        written_by=("hubspot-sink", "sweep"),
        read_by=("fold", "data-teams"),
        headers="cloud_events",
        personal=False,
    ),
    Entry(
        topic=topics.FRIENDS,
        records=(FriendState,),
        key=FRIEND,
        written_by=("fold",),
        read_by=("fold", "sweep", "data-teams"),
    ),
    Entry(
        topic=topics.DECISIONS,
        records=(DecisionRecord,),
        key="key of the event: LINE user id, else that of the source",
        written_by=("fold",),
        read_by=("why", "data-teams"),
        personal=False,
    ),
    Entry(
        topic=topics.CONNECTIONS,
        records=(ConnectionRecord, PortalRecord, SinkRecord),
        key="N as text, `portal`, or `sink:` and a sink's name",
        written_by=("registry",),
        read_by=("ingress", "fold", "line-sink", "hubspot-sink", "web"),
    ),
    Entry(
        topic=topics.DEAD_LETTERS,
        records=(),
        key="that of the original record",
        written_by=("ingress", "fold", "hubspot-sink", "line-sink", "deadletters"),
        read_by=("deadletters", "web"),
        headers="dead_letter",
    ),
)
