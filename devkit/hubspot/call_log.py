"""What was called: counters by name and status, and the latest requests with the ids they named and wrote."""

from collections import Counter, deque
from typing import Any

import msgspec

from devkit.hubspot.answers import Json

KEPT = 20_000


class Entry(msgspec.Struct, kw_only=True):
    """One request; `status` 0 where no answer was sent, `applied` whether the call was carried out."""

    at: int
    call: str
    method: str
    path: str
    correlation: str
    number: int = 0
    status: int = 0
    applied: bool = False
    fault: str = ""
    ids: list[str] = []
    traces: list[str] = []
    written: list[str] = []


class CallLog:
    """The requests since the start or the last reset."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self.counts: Counter[tuple[str, int]] = Counter()
        self._number = 0

    def add(self, entry: Entry) -> None:
        """Take in a finished request."""
        self._number += 1
        entry.number = self._number
        self.entries.append(entry)
        self.counts[entry.call, entry.status] += 1

    def count(self, call: str, status: int | None = None) -> int:
        """Return how often a call was made, with this status or any."""
        return sum(times for (name, was), times in self.counts.items() if name == call and status in (None, was))

    def by_name(self) -> dict[str, dict[str, int]]:
        """Return the counters as name -> status -> times."""
        shown: dict[str, dict[str, int]] = {}
        for (name, status), times in sorted(self.counts.items()):
            shown.setdefault(name, {})[str(status)] = times
        return shown


def named_ids(params: tuple[str, ...], body: Any) -> tuple[list[str], list[str]]:
    """Return the record ids (or names) and the trace ids that a request names."""
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list):
        return list(params), []
    items = [item for item in inputs if isinstance(item, dict)]
    ids = [str(item.get("id", item.get("name", ""))) for item in items]
    return [key for key in ids if key], [
        str(item["objectWriteTraceId"]) for item in items if "objectWriteTraceId" in item
    ]


def written_ids(body: Any) -> list[str]:
    """Return the record ids in an answer to a write."""
    if not isinstance(body, dict):
        return []
    results: list[Json] = body.get("results", [body])
    return [str(result["id"]) for result in results if "id" in result]
