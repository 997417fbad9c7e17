"""What every role counts, for Prometheus.

Law: received = sent + discarded + failed + in flight. Names are declared here; labels are codes of closed lists, never
ids, names or texts.
"""

from __future__ import annotations

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

GaugeName = Literal[
    "in_flight_events",  # taken in, not answered or written yet
    "partitions_owned",  # partitions this process has now
    "consumer_lag",  # records of its partitions it has not read yet
    "paused",  # 1 while the sink waits for a person or a vendor
    "quota_left",  # calls left in the vendor's window
    "friends",  # rows in the table
    "sweep_friends",  # friends that the sweep has come to in this walk
    "sweep_seconds",  # how long its last whole walk took
]
HistogramName = Literal[
    "run_seconds",  # one run of records, from reading to its acknowledgement
]
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The counts of one process."""

    def __init__(self, role: str) -> None:
        self._registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._received = Counter("received_events", "Records taken in.", registry=self._registry)
        self._sent = Counter("sent_events", "Records done: written and acknowledged.", registry=self._registry)
        self._errors = Counter("errors", "Failures by where they happened.", ["stage"], registry=self._registry)
        self._discarded = Counter(
            "discarded_events",
            "Records that led to nothing or became dead letters.",
            ["reason"],
            registry=self._registry,
        )
        self._outcomes = Counter("outcomes", "Changes by what became of them.", ["result"], registry=self._registry)
        self._sights = Counter("sights", "What the sweep told the fold.", ["result"], registry=self._registry)
        self._calls = Counter("calls", "Calls to a vendor.", ["call", "status"], registry=self._registry)
        Gauge("role_info", "Which role this process has.", ["role"], registry=self._registry).labels(role).set(1)

    def received(self, count: int = 1) -> None:
        """So many records were taken in."""
        self._received.inc(count)

    def sent(self, count: int = 1) -> None:
        """So many records are done."""
        self._sent.inc(count)

    def error(self, stage: str) -> None:
        """Something failed at this stage."""
        self._errors.labels(stage).inc()

    def discarded(self, reason: str, count: int = 1) -> None:
        """So many records led to nothing, for this reason."""
        self._discarded.labels(reason).inc(count)

    def call(self, call: str, status: int | str) -> None:
        """A vendor was called and answered with this status, or a code when it did not answer."""
        self._calls.labels(call, str(status)).inc()

    def outcome(self, result: str) -> None:
        """A change was answered with this result."""
        self._outcomes.labels(result).inc()

    def sight(self, result: str) -> None:
        """The sweep saw this and told it."""
        self._sights.labels(result).inc()

    def gauge(self, name: GaugeName, value: float) -> None:
        """The value is this now."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, name.replace("_", " "), registry=self._registry)
        self._gauges[name].set(value)

    def observe(self, name: HistogramName, seconds: float) -> None:
        """Something took so many seconds."""
        if name not in self._histograms:
            self._histograms[name] = Histogram(name, name.replace("_", " "), buckets=_BUCKETS, registry=self._registry)
        self._histograms[name].observe(seconds)

    def value(self, sample: str, **labels: str) -> float:
        """One sample by its full name, for example `errors_total` with `stage`; 0 when it was never counted."""
        return self._registry.get_sample_value(sample, labels) or 0.0

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
