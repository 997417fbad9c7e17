"""received = sent + discarded + in flight."""

from __future__ import annotations

from collections import Counter

from processors.flow import FlowCounters
from runtime.metrics import Metrics


def test_every_record_is_in_exactly_one_of_three_places() -> None:
    metrics = Metrics("fold")
    counters = FlowCounters(metrics)
    counters.taken_up(10)
    assert (counters.received, counters.in_flight) == (10, 10)
    counters.done(10, Counter({"fold_failed": 2}), changes=3, requests=1, seconds=0.1)
    counters.taken_up(5)
    assert counters.received == counters.sent + counters.discarded.total() + counters.in_flight
    assert (counters.sent, counters.in_flight) == (8, 5)
    assert metrics.value("received_events_total") == 15
    assert metrics.value("sent_events_total") == 8
    assert metrics.value("discarded_events_total", reason="fold_failed") == 2
    assert metrics.value("errors_total", stage="fold") == 2
    assert metrics.value("run_seconds_count") == 1
