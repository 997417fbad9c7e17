"""The strict watermark: nothing is committed past a record that was not acknowledged."""

from __future__ import annotations

import pytest

from processors.watermark import Hole, Watermark


def begun(start: int = 10) -> Watermark[str]:
    watermark: Watermark[str] = Watermark()
    watermark.begin({"p": start})
    return watermark


def test_nothing_is_committed_before_reading_has_begun() -> None:
    watermark: Watermark[str] = Watermark()
    watermark.acknowledge("p", 0, 5)
    assert watermark.advance("p") is None


def test_runs_that_follow_each_other_move_the_mark() -> None:
    watermark = begun()
    watermark.acknowledge("p", 10, 15)
    watermark.acknowledge("p", 15, 30)
    assert watermark.advance("p") == 30
    assert watermark.advance("p") == 30


def test_runs_acknowledged_out_of_order_count_in_order() -> None:
    watermark = begun()
    watermark.acknowledge("p", 15, 30)
    watermark.acknowledge("p", 10, 15)
    assert watermark.advance("p") == 30


def test_a_run_that_was_never_handled_is_a_hole() -> None:
    watermark = begun()
    watermark.acknowledge("p", 12, 15)
    with pytest.raises(Hole, match="p: 10 to 12 was never handled"):
        watermark.advance("p")


def test_a_run_that_is_read_again_moves_nothing_back() -> None:
    watermark = begun()
    watermark.acknowledge("p", 10, 20)
    assert watermark.advance("p") == 20
    watermark.acknowledge("p", 10, 15)
    assert watermark.advance("p") == 20


def test_what_finishes_after_the_partitions_are_gone_is_not_committed() -> None:
    watermark = begun()
    watermark.forget()
    watermark.acknowledge("p", 10, 20)
    assert watermark.advance("p") is None


def test_a_new_beginning_forgets_old_acknowledgements() -> None:
    watermark = begun()
    watermark.acknowledge("p", 12, 20)
    watermark.begin({"p": 12})
    assert watermark.advance("p") == 12


def test_handled_looks_ahead_of_the_commit() -> None:
    watermark = begun()
    assert watermark.handled() == {"p": 10}
    watermark.acknowledge("p", 10, 20)
    assert watermark.handled() == {"p": 20}
