"""Metrics: the four counts every role has, under their declared names."""

from __future__ import annotations

from runtime.metrics import Metrics


def test_counts_under_the_names_of_the_contract() -> None:
    metrics = Metrics("line")
    metrics.received(3)
    metrics.sent()
    metrics.error("publish")
    metrics.discarded("key_mismatch", 2)
    metrics.call("profile", 429)
    metrics.gauge("paused", 1)
    metrics.observe("run_seconds", 0.2)
    text = metrics.render().decode()
    for line in (
        "received_events_total 3.0",
        "sent_events_total 1.0",
        'errors_total{stage="publish"} 1.0',
        'discarded_events_total{reason="key_mismatch"} 2.0',
        'calls_total{call="profile",status="429"} 1.0',
        "paused 1.0",
        "run_seconds_count 1.0",
        'role_info{role="line"} 1.0',
    ):
        assert line in text.splitlines()
    assert metrics.value("errors_total", stage="publish") == 1
    assert metrics.value("errors_total", stage="none") == 0


def test_two_of_them_in_one_process_do_not_mix() -> None:
    one, two = Metrics("line"), Metrics("hubspot")
    one.received()
    assert two.value("received_events_total") == 0
