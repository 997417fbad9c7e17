"""What flows through the fold, in numbers.

Law: received = sent + discarded + in flight, at every moment: a source record is in flight from the moment its run is
taken up until its decision (or its dead letter) and its state are acknowledged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.dead_letters import ReasonCode


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSnapshot:
    """The fold of this worker at one moment: counters since its start, lag in records by source topic."""

    ready: bool
    received: int
    sent: int
    discarded: Mapping[str, int]
    in_flight: int
    changes: int
    requests: int
    runs: int
    overruled: int
    lag: Mapping[str, int]
    partitions: tuple[int, ...]
    rows: int | None
    recovery_seconds: float
    recovered_rows: int
    uptime_seconds: float


@dataclass(slots=True)
class FlowCounters:
    """Counts runs; plain integers, changed in the fold's event loop only."""

    received: int = 0
    sent: int = 0
    changes: int = 0
    requests: int = 0
    runs: int = 0
    discarded: Counter[ReasonCode] = field(default_factory=Counter)

    def taken_up(self, records: int) -> None:
        """A run of so many source records is in hand."""
        self.runs += 1
        self.received += records

    def done(self, records: int, discarded: Counter[ReasonCode], *, changes: int, requests: int) -> None:
        """Everything that follows from a run of `records` source records is acknowledged."""
        self.sent += records - discarded.total()
        self.discarded += discarded
        self.changes += changes
        self.requests += requests

    @property
    def in_flight(self) -> int:
        """Source records taken up and not done."""
        return self.received - self.sent - self.discarded.total()
