from __future__ import annotations

from ingress.records import Harvest
from ingress.room import Room
from ingress.tally import Tally


def test_counts_are_shown_in_the_format_of_prometheus() -> None:
    tally = Tally(Room(1, 1))
    tally.received(3)
    tally.appended(Harvest([], 3, 2, {"dummy": 1}))
    tally.failed("signature")
    tally.answered(200, 0.002)
    tally.answered(401, 3.0)
    shown = tally.render().decode().splitlines()
    for line in (
        "received_events_total 3.0",
        "sent_events_total 2.0",
        'discarded_events_total{reason="dummy"} 1.0',
        'errors_total{stage="signature"} 1.0',
        'requests_total{status="200"} 1.0',
        'requests_total{status="401"} 1.0',
        'request_seconds_bucket{le="0.0025"} 1.0',
        'request_seconds_bucket{le="+Inf"} 2.0',
        "request_seconds_count 2.0",
    ):
        assert line in shown


def test_received_is_always_sent_and_discarded_and_in_flight() -> None:
    tally = Tally(Room(1, 1))
    for count in (3, 2, 4):
        tally.received(count)
    tally.appended(Harvest([], 3, 2, {"dummy": 1}))
    tally.not_taken(2)
    shown = tally.render().decode().splitlines()
    for line in (
        "received_events_total 9.0",
        "sent_events_total 2.0",
        'discarded_events_total{reason="dummy"} 1.0',
        'discarded_events_total{reason="not_taken"} 2.0',
        "in_flight_events 4.0",
    ):
        assert line in shown
