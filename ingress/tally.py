"""What the ingress counts.

Law: received = sent + discarded + in flight, at any time and in events. Sent: made safe, acknowledged by Kafka or
synced in the spool, before the answer 200, counted once and in the process that answered; what the spool sends on later
is `drained`. Discarded: dead letters (safe as well), dummies, and `not_taken`: answered 503, so LINE still has them.
Labels are codes of closed lists, never ids, names or texts. Counting is adding to a number; the shape for Prometheus is
made when someone asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal, Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingress.records import Harvest
from ingress.room import Room

Stage = Literal[
    "signature", "too_large", "unknown", "sealed", "broken_off", "overload", "deadline", "append", "spool_refused"
]
LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.25, 2.0)


NOT_TAKEN: Final = "not_taken"


class Levels(Protocol):
    """What the spool holds now."""

    @property
    def bytes(self) -> int:
        """Bytes on the disk."""

    @property
    def events(self) -> int:
        """Events that are not drained."""

    @property
    def damaged(self) -> int:
        """Parts that were passed over."""


class Tally(Collector):
    """Counts of one ingress process; `spool` is asked for its levels once it is set."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._statuses: Counter[int] = Counter()
        self._latencies = [0] * (len(LATENCIES) + 1)
        self._seconds = 0.0
        self._received = 0
        self._sent = 0
        self._in_flight = 0
        self._spooled = 0
        self._drained = 0
        self.spool: Levels | None = None
        self._discarded: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def answered(self, status: int, seconds: float) -> None:
        """A request was answered so many seconds after it came."""
        self._statuses[status] += 1
        self._seconds += seconds
        self._latencies[bisect_left(LATENCIES, seconds)] += 1

    def received(self, count: int) -> None:
        """So many events came in a verified webhook."""
        self._received += count
        self._in_flight += count

    def not_taken(self, count: int) -> None:
        """So many of them could not be made safe in time: they may land, but nobody was told so."""
        self._in_flight -= count
        self._discarded[NOT_TAKEN] += count

    def spooled(self, count: int) -> None:
        """So many events are safe in the spool."""
        self._spooled += count

    def drained(self, count: int) -> None:
        """So many events of the spool are acknowledged by Kafka."""
        self._drained += count

    def appended(self, harvest: Harvest) -> None:
        """All records of a webhook are safe."""
        self._in_flight -= harvest.received
        self._sent += harvest.sent
        if harvest.discarded:
            self._discarded.update(harvest.discarded)

    def failed(self, stage: Stage) -> None:
        """A request ended without its events being taken."""
        self._errors[stage] += 1

    def trouble(self, trouble: BaseException) -> None:
        """Kafka refused a batch."""
        self._errors[f"kafka_{type(trouble).__name__}"] += 1

    def render(self) -> bytes:
        """All counts in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """All counts, for prometheus_client."""
        yield CounterMetricFamily("received_events", "Events in verified webhooks.", value=self._received)
        yield CounterMetricFamily("sent_events", "Events made safe in Kafka or the spool.", value=self._sent)
        yield _counter("discarded_events", "Dead letters, dummies, and events answered 503.", "reason", self._discarded)
        yield GaugeMetricFamily("in_flight_events", "Events that are not safe yet.", value=self._in_flight)
        yield from self._of_the_spool()
        yield _counter("errors", "Requests and batches that failed.", "stage", self._errors)
        yield _counter("requests", "Answers to webhooks.", "status", {str(s): n for s, n in self._statuses.items()})
        yield self._histogram()
        yield GaugeMetricFamily("requests_in_flight", "Requests not answered yet.", value=self._room.requests)
        yield GaugeMetricFamily("bytes_in_flight", "Bytes that wait for Kafka.", value=self._room.bytes)

    def _of_the_spool(self) -> Iterator[Metric]:
        yield CounterMetricFamily("spooled_events", "Events made safe in the spool.", value=self._spooled)
        yield CounterMetricFamily("drained_events", "Events that Kafka took from the spool.", value=self._drained)
        if self.spool is not None:
            yield GaugeMetricFamily("spool_bytes", "Bytes in the spool.", value=self.spool.bytes)
            yield GaugeMetricFamily("spool_events", "Events in the spool.", value=self.spool.events)
            yield CounterMetricFamily("spool_damaged", "Parts of the spool passed over.", value=self.spool.damaged)

    def _histogram(self) -> Metric:
        buckets: list[tuple[str, float]] = []
        total = 0
        for bound, count in zip((*map(str, LATENCIES), "+Inf"), self._latencies, strict=True):
            total += count
            buckets.append((bound, total))
        return HistogramMetricFamily(
            "request_seconds", "From the arrival of a webhook to its answer.", buckets=buckets, sum_value=self._seconds
        )


def _counter(name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family
