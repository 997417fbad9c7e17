"""The scoreboard: what counts as proved, and what counts as a contact call."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest
from rich.console import Console

from cli.demo_world.scoreboard import Scoreboard, Verified, contact_calls, print_scoreboard, refused_calls

PROVED = Scoreboard(
    friends=2,
    acknowledged=10,
    copies=14,
    lost=0,
    contacts=2,
    different={},
    verify=Verified(2, 0, 0, 0),
    hubspot_calls=4,
    naive_calls=20,
    refused_calls=1,
    worker_kills=1,
    seconds=31.4,
    steps=[],
)


def test_a_run_without_loss_or_difference_is_proved() -> None:
    assert PROVED.ok
    assert PROVED.document()["ok"] is True
    assert PROVED.document()["verify"] == {"equal": 2, "different": 0, "missing": 0, "extra": 0}


@pytest.mark.parametrize(
    "flaw",
    [
        {"lost": 1},
        {"different": {"U1": ["line_follow_1: expected 'true', HubSpot has 'false'"]}},
        {"verify": Verified(1, 1, 0, 0)},
        {"verify": Verified(1, 0, 1, 0)},
        {"verify": Verified(2, 0, 0, 1)},
        {"verify": Verified(0, 0, 0, 0)},
        {"contacts": 3},
    ],
    ids=str,
)
def test_one_flaw_is_enough_to_fail(flaw: dict[str, Any]) -> None:
    board = msgspec.structs.replace(PROVED, **flaw)
    assert not board.ok
    assert board.document()["ok"] is False


def test_only_calls_about_contacts_are_counted_refused_ones_too() -> None:
    calls = {
        "batch/update": {"200": 3, "429": 2},
        "batch/read": {"200": 1},
        "search": {"200": 4},
        "properties/batch/create": {"201": 1},
        "account-info/details": {"200": 9, "429": 1},
    }
    assert contact_calls(calls) == 10
    assert refused_calls(calls) == 3


def test_a_person_reads_what_differs() -> None:
    page = io.StringIO()
    board = msgspec.structs.replace(PROVED, different={"U1": ["line_follow_1: expected 'true'"]}, lost=3)
    print_scoreboard(board, Console(file=page, width=120))
    assert "U1: line_follow_1: expected 'true'" in page.getvalue()
    assert "of 20 with a search and a write" in page.getvalue()
