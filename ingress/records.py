"""From a verified webhook to the records of Kafka.

Law: each event of a verified webhook becomes exactly one record or one dead letter, or is one of LINE's old dummy
events, which are counted; nothing else comes out, and nothing here fails.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ingress.envelope import Envelope, Event, read_envelope
from ingress.webhook import VerifiedWebhook
from runtime.appender import LARGEST_RECORD, partition_of
from schemas.cloud_events import Headers, event_headers
from schemas.codec import encode
from schemas.dead_letters import ReasonCode, dead_letter_headers
from schemas.events import EventRecord, event_id
from schemas.topics import DEAD_LETTERS, EVENTS

_ROOM_FOR_HEADERS = 4096
_LARGEST = LARGEST_RECORD - _ROOM_FOR_HEADERS
_DUMMY_REPLY_TOKENS = frozenset({"0" * 32, "f" * 32})
_DUMMY_USER = "Udeadbeefdeadbeefdeadbeefdeadbeef"
_ID_OF_SOURCE = {"user": "userId", "group": "groupId", "room": "roomId"}
_NEVER_IN_THE_LOG = -1

DUMMY = "dummy"


class KafkaRecord(NamedTuple):
    """One record for one partition; `timestamp` in ms."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers
    timestamp: int


class Harvest(NamedTuple):
    """What follows from one webhook: all records to append, how many are events, and what was discarded why."""

    records: list[KafkaRecord]
    received: int
    sent: int
    discarded: dict[str, int]


partition_of_key = lru_cache(maxsize=65_536)(partition_of)  # who writes once writes again; murmur2 is dear in Python


class RecordMaker:
    """Makes the records of webhooks for topics of so many partitions."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def harvest(self, webhook: VerifiedWebhook, bot_user_id: str | None) -> Harvest:
        """All that follows from one webhook to the account whose bot is `bot_user_id` (None: not known yet)."""
        envelope = read_envelope(webhook.body)
        if envelope is None:
            return self._refused(webhook, "not_a_webhook", 1)
        count = len(envelope.events) + len(envelope.unreadable)
        if count and bot_user_id is not None and envelope.destination not in (None, bot_user_id):
            return self._refused(webhook, "wrong_destination", count)
        return self._accepted(webhook, envelope, count)

    def _accepted(self, webhook: VerifiedWebhook, envelope: Envelope, count: int) -> Harvest:
        destination = envelope.destination if isinstance(envelope.destination, str) else None
        discarded: dict[str, int] = {}
        records = []
        for place, event in enumerate(envelope.events):
            if _is_dummy(event):
                discarded[DUMMY] = discarded.get(DUMMY, 0) + 1
                continue
            made = self._record(webhook, destination, event, repaired=place in envelope.repaired)
            if isinstance(made, str):
                discarded[made] = discarded.get(made, 0) + 1
                made = self._dead_letter(webhook, webhook.body, made)
            records.append(made)
        if envelope.unreadable:
            discarded["unreadable"] = discarded.get("unreadable", 0) + len(envelope.unreadable)
            records += [self._dead_letter(webhook, raw, "unreadable") for raw in envelope.unreadable]
        return Harvest(records, count, count - sum(discarded.values()), discarded)

    def _record(
        self, webhook: VerifiedWebhook, destination: str | None, event: Event, *, repaired: bool
    ) -> KafkaRecord | ReasonCode:
        connection, received_at = webhook.connection, webhook.received_at
        record = EventRecord(
            connection=connection,
            received_at=received_at,
            destination=destination,
            origin="webhook",
            event=event,
            repaired=repaired,
        )
        try:
            value = encode(record)
        except RecursionError:  # nested as deep as could just be read
            return "unreadable"
        key = key_of(connection, event)
        if len(key) + len(value) > _LARGEST:
            return "too_large"
        at = event.get("timestamp")
        headers = event_headers(record, event_id(connection, event), at if type(at) is int else received_at)
        return KafkaRecord(EVENTS.name, partition_of_key(key, self._partitions), key, value, headers, received_at)

    def _refused(self, webhook: VerifiedWebhook, reason: ReasonCode, count: int) -> Harvest:
        letter = self._dead_letter(webhook, webhook.body, reason)
        return Harvest([letter], count, 0, {reason: count})

    def _dead_letter(self, webhook: VerifiedWebhook, value: bytes, reason: ReasonCode) -> KafkaRecord:
        key = b"connection:%d" % webhook.connection
        partition = partition_of_key(key, self._partitions)
        headers = dead_letter_headers(
            [],
            topic=EVENTS.name,
            partition=partition,
            offset=_NEVER_IN_THE_LOG,
            at=webhook.received_at,
            stage="ingress",
            reason=reason,
        )
        return KafkaRecord(DEAD_LETTERS.name, partition, key, value, headers, webhook.received_at)


def key_of(connection: int, event: Event) -> bytes:
    """User id in a 1:1 chat, else group id, room id, or the connection: what is ordered together."""
    source = event.get("source")
    if isinstance(source, dict):
        kind = source.get("type")
        found = source.get(_ID_OF_SOURCE.get(kind, "")) if isinstance(kind, str) else None
        if isinstance(found, str) and found:
            return found.encode()
    return b"connection:%d" % connection


def _is_dummy(event: Event) -> bool:
    """Whether LINE's console sent it to try the address, as it did in the past."""
    token = event.get("replyToken")
    source = event.get("source")
    return (isinstance(token, str) and token in _DUMMY_REPLY_TOKENS) or (
        isinstance(source, dict) and source.get("userId") == _DUMMY_USER
    )
