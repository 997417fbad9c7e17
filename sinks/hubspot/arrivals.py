"""Records of contact.changes.v1 as the sink takes them.

Law: a record that no one can read, or whose key is not its friend, becomes a dead letter byte for byte, and its
neighbours go on. A tombstone asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.changes import read_change
from schemas.codec import Unreadable
from schemas.dead_letters import ReasonCode
from sinks.hubspot.admission import Arrival


@dataclass(slots=True, kw_only=True)
class Sorted:
    """One run of records: changes, dead letters with their reason, and how many tombstones there were."""

    changes: list[Arrival] = field(default_factory=list)
    dead: list[tuple[Any, ReasonCode]] = field(default_factory=list)
    empty: list[Any] = field(default_factory=list)


def sort(records: Iterable[Any]) -> Sorted:
    """Decode the records of one partition."""
    found = Sorted()
    for record in records:
        if record.value is None:
            found.empty.append(record)
            continue
        try:
            change = read_change(record.value)
        except Unreadable:
            found.dead.append((record, "unreadable"))
            continue
        if record.key != change.friend.encode():
            found.dead.append((record, "key_mismatch"))
        else:
            found.changes.append(Arrival(partition=record.partition, offset=record.offset, change=change))
    return found
