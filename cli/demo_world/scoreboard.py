"""The scoreboard: what was promised to LINE, what came of it in HubSpot, and what it cost. Pure, but for printing."""

from collections.abc import Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.demo_world.steps import StepTaken

CONTACT_CALLS = ("create", "read", "update", "archive", "search", "merge", "list")
NAIVE_CALLS_PER_EVENT = 2  # look the contact up, then write it


class Verified(msgspec.Struct, frozen=True):
    """What `friendstream verify` counted."""

    equal: int
    different: int
    missing: int
    extra: int


class Scoreboard(msgspec.Struct, frozen=True, kw_only=True):
    """One run; times in seconds."""

    friends: int
    acknowledged: int  # distinct events that LINE got a 2xx for
    copies: int  # events in all requests, duplicates and redeliveries counted
    lost: int  # acknowledged events without a decision in friend.decisions.v1
    contacts: int
    different: dict[str, list[str]]  # friend -> what differs from what the acknowledged events say
    verify: Verified
    hubspot_calls: int
    naive_calls: int
    refused_calls: int
    worker_kills: int
    seconds: float
    steps: list[StepTaken]

    @property
    def ok(self) -> bool:
        """Whether nothing was lost and HubSpot equals the fold and the independent expectation."""
        counted = self.verify
        proved = not (self.lost or self.different or counted.different or counted.missing or counted.extra)
        return proved and counted.equal == self.friends == self.contacts

    def document(self) -> dict[str, Any]:
        """The JSON object of --json."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {"ok": self.ok, **fields}


def contact_calls(calls: Mapping[str, Mapping[str, int]]) -> int:
    """How many requests spoke about contacts, of counters name -> status -> times."""
    return sum(
        sum(statuses.values()) for name, statuses in calls.items() if name.removeprefix("batch/") in CONTACT_CALLS
    )


def refused_calls(calls: Mapping[str, Mapping[str, int]]) -> int:
    """How many requests were answered 429."""
    return sum(statuses.get("429", 0) for statuses in calls.values())


def print_scoreboard(board: Scoreboard, console: Console) -> None:
    """The scoreboard for a person."""
    table = Table(title="Scoreboard", title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value, good, remark in _rows(board):
        table.add_row(name, f"[{'green' if good else 'red'}]{value}[/]", remark)
    console.print(table)
    for friend, wrong in list(board.different.items())[:5]:
        console.print(f"[red]{friend}[/]: {escape('; '.join(wrong))}", highlight=False)


def _rows(board: Scoreboard) -> list[tuple[str, object, bool, str]]:
    verified = board.verify
    others = f"different {verified.different} · missing {verified.missing} · extra {verified.extra}"
    naive = f"of {board.naive_calls} with a search and a write per event"
    as_expected = board.contacts - len(board.different)
    return [
        ("events acknowledged", board.acknowledged, True, f"sent {board.copies} times, copies counted"),
        (
            "events lost",
            board.lost,
            board.lost == 0,
            "every one is in friend.decisions.v1" if board.lost == 0 else "acknowledged, but never folded",
        ),
        ("contacts as LINE's events say", as_expected, not board.different, "worked out independently"),
        ("contacts equal to the fold", verified.equal, verified.equal == board.friends, others),
        ("HubSpot contact calls", board.hubspot_calls, True, naive),
        ("of these refused with 429", board.refused_calls, True, "waited for; nothing was dropped"),
        ("worker killed", board.worker_kills, True, "kill -9, in mid-storm"),
        ("seconds", board.seconds, True, "from nothing, Kafka's start included"),
    ]
