"""Records of line.requests.v1, decoded.

Law: what cannot be read is set aside byte for byte; its neighbours are not affected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.codec import Unreadable
from schemas.dead_letters import ReasonCode
from schemas.requests import Request, read_request


@dataclass(slots=True, kw_only=True)
class Sorted:
    """One run of records: requests, dead letters with their reason, and tombstones, which ask for nothing."""

    requests: list[tuple[Any, Request]] = field(default_factory=list)
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
            request = read_request(record.value)
        except Unreadable:
            found.dead.append((record, "unreadable"))
            continue
        if record.key != request.friend.encode("utf-8", "replace"):
            found.dead.append((record, "key_mismatch"))
        elif request.kind == "message" and request.message is None:
            found.dead.append((record, "unreadable"))
        else:
            found.requests.append((record, request))
    return found
