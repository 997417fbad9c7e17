"""Waiting between tries."""

from __future__ import annotations

import pytest

from domain.retry import ITEM, ITEM_TRIES, PORTAL, BackOff


def test_waits_grow_to_a_bound() -> None:
    """Twice as long each time, and no longer than the most."""
    back_off = BackOff(first=1, most=10, spread=0)
    assert [back_off.delay(failures, 0.5) for failures in range(6)] == [0, 1, 2, 4, 8, 10]
    assert back_off.delay(10_000, 0.5) == 10


def test_chance_spreads_them() -> None:
    """So that several sinks do not knock together."""
    back_off = BackOff(first=10, most=10, spread=0.2)
    assert (back_off.delay(1, 0.0), back_off.delay(1, 1.0)) == (pytest.approx(8), pytest.approx(12))


def test_the_products_waits() -> None:
    """A portal is asked again at least twice a minute; one item is given up within a minute."""
    assert PORTAL.delay(99, 1.0) <= 36
    assert sum(ITEM.delay(failures, 1.0) for failures in range(ITEM_TRIES + 1)) <= 60
