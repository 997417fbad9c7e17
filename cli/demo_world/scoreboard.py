"""The scoreboard: what was promised to LINE, what came of it in HubSpot, and what it cost. Pure, but for printing."""

from collections.abc import Mapping
from typing import Any

import msgspec
from rich.console import Console
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
    verified, saved = board.verify, board.naive_calls / max(1, board.hubspot_calls)
    table = Table(title="Scoreboard", title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column()
    rows: list[tuple[str, object, str, bool]] = [
        ("events acknowledged", board.acknowledged, f"sent {board.copies} times, copies counted", True),
        ("events lost", board.lost, "acknowledged, but never folded", board.lost == 0),
        ("contacts as LINE's events say", board.contacts - len(board.different), "independently worked out", not board.different),
        ("contacts equal to the fold", verified.equal, f"different {verified.different} · missing {verified.missing} · extra {verified.extra}", verified.equal == board.friends),
        ("HubSpot contact calls", board.hubspot_calls, f"against {board.naive_calls} of search + write per event: {saved:.0f}x fewer", True),
        ("of these refused with 429", board.refused_calls, "waited for, nothing dropped", True),
        ("worker killed", board.worker_kills, "kill -9, in mid-storm", True),
        ("seconds", f"{board.seconds:.1f}", "Kafka's start included", True),
    ]  # fmt: skip
    for name, value, remark, good in rows:
        table.add_row(name, f"[{'green' if good else 'red'}]{value}[/]", f"[dim]{remark}[/]")
    console.print(table)
    for friend, wrong in list(board.different.items())[:5]:
        console.print(f"[red]{friend}[/]: {'; '.join(wrong)}", highlight=False, markup=True)
