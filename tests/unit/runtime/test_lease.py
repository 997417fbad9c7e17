"""The lease: half a session after the sending of a confirmed heartbeat, never longer."""

from __future__ import annotations

import pytest

from runtime.lease import Lease, LeaseLost


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_is_not_held_before_the_first_heartbeat() -> None:
    lease = Lease(10, Clock())
    assert not lease.held()
    with pytest.raises(LeaseLost):
        lease.check()


def test_is_held_for_half_a_session_from_the_sending() -> None:
    clock = Clock()
    lease = Lease(10, clock)
    lease.renew(98.0)
    clock.now = 102.9
    lease.check()
    clock.now = 103.0
    assert not lease.held()


def test_an_older_heartbeat_changes_nothing() -> None:
    clock = Clock()
    lease = Lease(10, clock)
    lease.renew(100.0)
    lease.renew(90.0)
    assert lease.renewed_at == 100.0
    assert lease.held()
