"""What `rebuild` reads: where the fold stood, what the ledger says, what HubSpot holds.

Law: only what was folded before is taken. An event that the fold never came to is left to it, as is everything
answered after the ends that are noted here, before HubSpot is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.patience import patiently
from clients.hubspot.contacts import ContactsApi
from domain.batch_answers import READ_WITH
from domain.contact_properties import connection_properties
from domain.rebuild import Rebuild
from runtime.appender import partition_of
from runtime.log_reader import committed, end_offsets, read_log
from schemas.changes import read_change
from schemas.codec import Unreadable
from schemas.decisions import read_decision
from schemas.events import read_event_record
from schemas.friends import Read
from schemas.outcomes import read_outcome
from schemas.results import read_result
from schemas.topics import (
    CHANGES,
    DECISIONS,
    EVENTS,
    FOLD_GROUP,
    FOLD_SOURCES,
    HUBSPOT_GROUP,
    NOBODY,
    OUTCOMES,
    RESULTS,
)

LAST_DECISIONS = 100_000  # more than any run has records: all that can be decided and not committed is among them

Offsets = Mapping[int, int]  # by partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Up to where (exclusive) events, results and outcomes count as folded."""

    events: Offsets
    results: Offsets
    outcomes: Offsets

    def of(self, topic: str) -> Offsets:
        """The ends of one of the fold's sources."""
        return {EVENTS.name: self.events, RESULTS.name: self.results, OUTCOMES.name: self.outcomes}[topic]

    def read_of(self, friend: str) -> Read:
        """What a row says of the friend's partition."""
        partition = partition_of(friend.encode(), len(self.events))
        return Read(outcomes=self.outcomes[partition] - 1, results=self.results[partition] - 1)


async def note_ends(brokers: str) -> Ends:
    """Where the fold stood, by its commits and by what it said beyond them; where neither is kept, the log's end."""
    stood = {(tp.topic, tp.partition): offset for tp, offset in (await committed(brokers, FOLD_GROUP)).items()}
    alive = any(topic in {source.name for source in FOLD_SOURCES} for topic, _ in stood)
    said = await _decided(brokers)
    events: dict[int, int] = {}
    for partition, end in (await end_offsets(brokers, EVENTS.name)).items():
        known = [place for place in (stood.get((EVENTS.name, partition)), said.get(partition)) if place is not None]
        events[partition] = min(end, max(known)) if known else 0 if alive else end
    return Ends(
        events=events,
        results=await end_offsets(brokers, RESULTS.name),
        outcomes=await end_offsets(brokers, OUTCOMES.name),
    )


async def read_contacts(hubspot: ContactsApi, rebuild: Rebuild) -> int:
    """Both lists of HubSpot, into the rebuild; how many contacts they hold. Refusal 5 or 69."""
    ours = [one.name for number in rebuild.numbers for one in connection_properties(number)]
    names, count = [*READ_WITH, *ours], 0
    for archived in (False, True):
        after: str | None = None
        while True:
            page = await patiently(lambda: hubspot.page(names, after=after, archived=archived))  # noqa: B023 - awaited
            for found in page.contacts:
                rebuild.take_contact(found)
            count += len(page.contacts)
            after = page.after
            if after is None:
                break
    return count


async def read_ledger(brokers: str, rebuild: Rebuild, ends: Ends) -> None:
    """Changes and outcomes, then events and results, into the rebuild; what nobody can read was a dead letter."""
    sent = {tp.partition: offset for tp, offset in (await committed(brokers, HUBSPOT_GROUP)).items()}
    async for record in read_log(brokers, CHANGES.name):
        if record.key == NOBODY:
            continue
        if record.value is None:
            rebuild.take_empty_change(record.key.decode(), record.timestamp)
        elif (change := _readable(read_change, record.value)) is not None:
            rebuild.take_change(change, pending=record.offset >= sent.get(record.partition, 0))
    async for value in _until(brokers, OUTCOMES.name, ends.outcomes):
        if (outcome := _readable(read_outcome, value)) is not None:
            rebuild.take_outcome(outcome)
    async for value in _until(brokers, EVENTS.name, ends.events):
        if (event := _readable(read_event_record, value)) is not None:
            rebuild.take_event(event)
    async for value in _until(brokers, RESULTS.name, ends.results):
        if (result := _readable(read_result, value)) is not None:
            rebuild.take_result(result)


async def numbers_in_log(brokers: str) -> set[int]:
    """Connections that events speak of: the registry may know fewer."""
    found: set[int] = set()
    async for record in read_log(brokers, EVENTS.name):
        if record.value is not None and (event := _readable(read_event_record, record.value)) is not None:
            found.add(event.connection)
    return found - {0}


async def _decided(brokers: str) -> dict[int, int]:
    """The offset after the last event that a decision or a change speaks of, by partition."""
    after: dict[int, int] = {}

    def note(causes: Iterable[Any]) -> None:
        for cause in causes:
            if cause.topic == EVENTS.name:
                after[cause.partition] = max(after.get(cause.partition, 0), cause.offset + 1)

    start = {p: max(0, end - LAST_DECISIONS) for p, end in (await end_offsets(brokers, DECISIONS.name)).items()}
    async for record in read_log(brokers, DECISIONS.name, start=start):
        if (decision := _readable(read_decision, record.value)) is not None:
            note([decision.cause])
    async for record in read_log(brokers, CHANGES.name):
        if record.value is not None and (change := _readable(read_change, record.value)) is not None:
            note(change.causes)
    return after


async def _until(brokers: str, topic: str, ends: Offsets) -> AsyncIterator[bytes]:
    async for record in read_log(brokers, topic):
        if record.offset < ends[record.partition] and record.value is not None:
            yield record.value


def _readable(read: Any, value: bytes | None) -> Any:
    try:
        return read(value or b"")
    except Unreadable:
        return None
