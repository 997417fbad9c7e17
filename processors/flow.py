"""What flows through the fold, in numbers.

Law: received = sent + discarded + in flight, at every moment: a source record is in flight from the moment its run is
taken up until its decision (or its dead letter) and its state are acknowledged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from runtime.metrics import Metrics
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


class FlowCounters:
    """Counts runs, here and in the metrics; changed in the fold's event loop only."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.received = 0
        self.sent = 0
        self.changes = 0
        self.requests = 0
        self.runs = 0
        self.discarded: Counter[ReasonCode] = Counter()

    def taken_up(self, records: int) -> None:
        """A run of so many source records is in hand."""
        self.runs += 1
        self.received += records
        self.metrics.received(records)

    def done(
        self, records: int, discarded: Counter[ReasonCode], *, changes: int, requests: int, seconds: float
    ) -> None:
        """Everything that follows from a run of `records` source records is acknowledged, `seconds` after its start."""
        self.metrics.observe("run_seconds", seconds)
        sent = records - discarded.total()
        self.sent += sent
        self.metrics.sent(sent)
        self.changes += changes
        self.requests += requests
        for reason, count in discarded.items():
            self.discarded[reason] += count
            self.metrics.discarded(reason, count)
            for _ in range(count if reason == "fold_failed" else 0):
                self.metrics.error("fold")

    @property
    def in_flight(self) -> int:
        """Source records taken up and not done."""
        return self.received - self.sent - self.discarded.total()
