"""What others may see of the worker: its rows, its flow, whether it is ready. Reads only.

Law: a row is told only while the worker is ready and owns the friend's partition; else the answer would be wrong data.
"""

from __future__ import annotations

from typing import Any

from processors import row_store
from processors.flow import FlowCounters, FlowSnapshot
from processors.state_table import StateTable
from runtime.appender import partition_of
from runtime.clock import monotonic
from runtime.metrics import Metrics


class FoldView:
    """A window into a running worker; given to the pages before there is an app, `open` binds it."""

    def __init__(self) -> None:
        self._app: Any = None
        self._table: StateTable | None = None
        self._counters = FlowCounters(Metrics("fold"))
        self._partitions = 0
        self._opened = monotonic()

    def open(self, app: Any, table: StateTable, counters: FlowCounters, partitions: int) -> None:
        """Bind to the worker's parts."""
        self._app, self._table, self._counters, self._partitions = app, table, counters, partitions

    def ready(self) -> bool:
        """Assigned, recovered, not rebalancing."""
        return self._app is not None and bool(self._app.ready())

    def partition(self, friend: str) -> int:
        """The partition number a friend lives in."""
        return partition_of(friend.encode(), self._partitions)

    def owns(self, partition: int) -> bool:
        """Whether friends of this partition live in this worker."""
        return self._app is not None and partition in self._app.owned_partitions()

    def row(self, friend: str) -> bytes | None:
        """The friend's state in bytes; None when unknown here. Ask `ready` and `owns` first."""
        partition = self.partition(friend)
        if self._table is None or not self.owns(partition):
            return None
        return self._table.rows(partition)(friend.encode())

    def flow(self) -> FlowSnapshot:
        """The counters of this moment."""
        counters, app = self._counters, self._app
        ready = self.ready()
        recovery = app.tables.recovery if ready else None
        return FlowSnapshot(
            ready=ready,
            received=counters.received,
            sent=counters.sent,
            discarded={str(reason): count for reason, count in counters.discarded.items()},
            in_flight=counters.in_flight,
            changes=counters.changes,
            requests=counters.requests,
            runs=counters.runs,
            overruled=app.overruled if app is not None else 0,
            lag=app.lags() if app is not None else {},
            partitions=tuple(sorted(app.owned_partitions())) if app is not None else (),
            rows=row_store.count(self._table.data) if ready and self._table is not None else None,
            recovery_seconds=recovery.bulk_seconds if recovery is not None else 0.0,
            recovered_rows=recovery.bulk_records if recovery is not None else 0,
            uptime_seconds=monotonic() - self._opened,
        )

    def metrics(self) -> bytes:
        """All counters in Prometheus' text format."""
        flow, metrics = self.flow(), self._counters.metrics
        metrics.gauge("in_flight_events", flow.in_flight)
        metrics.gauge("partitions_owned", len(flow.partitions))
        metrics.gauge("consumer_lag", sum(flow.lag.values()))
        if flow.rows is not None:
            metrics.gauge("friends", flow.rows)
        return metrics.render()
