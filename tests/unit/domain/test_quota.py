"""Calls to HubSpot in virtual time."""

from __future__ import annotations

from collections import deque

import pytest

from domain.quota import DAILY_LOOK_AGAIN, Limits, Quota, QuotaPolicy, until_midnight


class Server:
    """HubSpot's rolling window, as strict as it can be: it counts a call somewhere between sending and answer."""

    def __init__(self, limit: int, daily: int | None = None) -> None:
        self.limit, self.daily = limit, daily
        self.calls: deque[float] = deque()
        self.refused = 0

    def call(self, at: float) -> Limits:
        while self.calls and self.calls[0] <= at - 10:
            self.calls.popleft()
        if len(self.calls) >= self.limit:
            self.refused += 1
        else:
            self.calls.append(at)
        return Limits(most=self.limit, remaining=self.limit - len(self.calls), interval=10.0, daily=self.daily)


def drain(quota: Quota, server: Server, seconds: float, *, latency: float = 0.2, share: float = 1.0) -> int:
    """Send whenever it is allowed; how many calls were sent. HubSpot counts each at a varying moment."""
    now, sent, flying = 0.0, 0, []
    while now < seconds:
        for at, ticket, counted in [one for one in flying if one[0] <= now]:
            flying.remove((at, ticket, counted))
            quota.answered(ticket, now, server.call(counted))
        while quota.wait(now, share=share) == 0.0 and len(flying) < 10:
            flying.append((now + latency, quota.sent(now), now + latency * (sent % 3) / 2))
            sent += 1
        now = round(now + 0.01, 2)
    return sent


@pytest.mark.parametrize("limit", [100, 190])
def test_a_backlog_takes_the_whole_quota_without_a_429(limit: int) -> None:
    """At least 95 % of what HubSpot allows, and never one call too many."""
    server = Server(limit)
    sent = drain(Quota(QuotaPolicy()), server, 120)
    assert server.refused == 0
    assert sent >= 0.95 * limit * 12


def test_a_share_of_the_partitions_is_a_share_of_the_calls() -> None:
    """A quarter of the partitions, a quarter of the calls."""
    sent = drain(Quota(QuotaPolicy(limit=100)), Server(100), 100, share=0.25)
    assert 0.95 * 250 <= sent <= 260


def test_the_setting_caps_what_hubspot_allows() -> None:
    """And HubSpot caps the setting."""
    assert drain(Quota(QuotaPolicy(limit=50)), Server(190), 100) <= 510
    server = Server(100)
    drain(Quota(QuotaPolicy(limit=150)), server, 60)
    assert server.refused <= 50  # only until the first answers told the limit


def test_calls_of_others_are_left_their_place() -> None:
    """`Remaining` says that somebody else used half of the window."""
    quota = Quota(QuotaPolicy(limit=100, burst=100))
    quota.answered(quota.sent(0.0), 0.0, Limits(most=100, remaining=49, interval=10.0))
    sent = 1
    while quota.wait(0.1) == 0.0:
        quota.answered(quota.sent(0.1), 0.1)
        sent += 1
    assert sent == 50


def test_a_call_keeps_its_place_until_ten_seconds_after_its_answer() -> None:
    """HubSpot may have counted it only then."""
    quota = Quota(QuotaPolicy(limit=1, burst=1))
    ticket = quota.sent(0.0)
    assert quota.wait(15.0) > 0
    quota.answered(ticket, 16.0)
    assert quota.wait(25.9) == pytest.approx(0.1)
    assert quota.wait(26.0) == 0.0


def test_after_a_burst_calls_are_even() -> None:
    """A quiet sink may send some at once; then one tenth of a second apart at 100 in 10 s."""
    quota = Quota(QuotaPolicy(limit=100, burst=4))
    for _ in range(4):
        assert quota.wait(0.0) == 0.0
        quota.answered(quota.sent(0.0), 0.0)
    assert quota.wait(0.0) == pytest.approx(0.1)
    assert quota.wait(0.1) == 0.0


def test_a_hold_stops_everything() -> None:
    """As after a 429."""
    quota = Quota(QuotaPolicy())
    quota.hold(5.0, 3.0)
    assert quota.wait(6.0) == pytest.approx(2.0)
    assert quota.wait(8.0) == 0.0


def test_the_window_opens_when_our_oldest_call_leaves_it() -> None:
    """Between one second and the whole interval; where others fill it, a second is worth a try."""
    quota = Quota(QuotaPolicy(limit=1))
    quota.answered(quota.sent(0.0), 0.0)
    assert quota.window_opens_in(4.0) == pytest.approx(6.0)
    assert quota.window_opens_in(9.9) == 1.0
    assert Quota(QuotaPolicy()).window_opens_in(0.0) == 1.0


def test_a_spent_day_is_waited_out_with_a_look_now_and_then() -> None:
    """Only a call can tell that the day has ended."""
    quota = Quota(QuotaPolicy())
    quota.answered(quota.sent(0.0), 0.0, Limits(daily=1000, daily_remaining=0))
    assert quota.wait(1.0) == DAILY_LOOK_AGAIN
    assert quota.wait(1.0 + DAILY_LOOK_AGAIN) == 0.0


def test_low_priority_leaves_room() -> None:
    """A sweep stops before the last tenth of the day and the last fifth of the window."""
    quota = Quota(QuotaPolicy(limit=10, burst=10))
    quota.answered(quota.sent(0.0), 0.0, Limits(daily=1000, daily_remaining=100))
    assert quota.wait(0.0, low=True) > 0
    assert quota.wait(0.0) == 0.0
    fresh = Quota(QuotaPolicy(limit=10, burst=10))
    for _ in range(8):
        fresh.answered(fresh.sent(0.0), 0.0)
    assert fresh.wait(0.0, low=True) > 0
    assert fresh.wait(0.0) == 0.0


def test_midnight_is_the_portals() -> None:
    """Tokyo is nine hours ahead."""
    assert until_midnight(0, 0) == 86_400
    assert until_midnight(0, 9 * 3_600_000) == 15 * 3600
