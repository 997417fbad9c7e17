"""contact.outcomes.v1: what HubSpot did with a change, or what a sweep saw.

Law: names and codes, never values. The outcome of a change echoes its revision, digest and trigger; that of a sweep
has `read_at` (the time before its call) instead.
"""

from typing import Literal

from schemas.codec import Record, decoder
from schemas.marks import Mark

Answer = Literal["created", "updated", "adopted", "merged", "gone", "erased", "rejected", "parked"]
Sight = Literal["alive", "archived", "restored", "merged", "erased", "drifted", "twin", "unanswered"]
ResultName = Literal[
    "created", "updated", "adopted", "merged", "gone", "erased", "rejected", "parked",
    "alive", "archived", "restored", "drifted", "twin", "unanswered",
]  # fmt: skip

WROTE = frozenset({"created", "updated", "adopted", "merged"})


class HubSpotRequest(Record, frozen=True, kw_only=True):
    """The call that decided: its name, HTTP status, our trace id, HubSpot's correlation id."""

    call: str
    status: int
    trace: str
    correlation: str | None = None


class Reason(Record, frozen=True, kw_only=True):
    """Why it did not happen, in HubSpot's or our own codes."""

    category: str | None = None
    code: str | None = None
    property: str | None = None


class Outcome(Record, frozen=True, kw_only=True):
    """One answer. `asked` = the record id that was asked for, `contact` = the one that exists.

    `first_act`: the trigger is neither a message nor a follow, but a first permission, which brings nobody back.
    """

    friend: str
    revision: int | None = None
    digest: str | None = None
    trigger: Mark | None = None
    first_act: bool = False
    result: ResultName
    contact: str | None = None
    asked: str | None = None
    shadowed: tuple[int, ...] = ()
    at: int
    hubspot_at: int | None = None
    read_at: int | None = None
    generation: int
    attempts: int
    request: HubSpotRequest | None = None
    reason: Reason | None = None


read_outcome = decoder(Outcome)


def outcome_id(outcome: Outcome) -> str:
    """CloudEvents id: friend, revision, digest (or the sweep's read_at) and attempt."""
    if outcome.read_at is not None:
        return f"{outcome.friend}:{outcome.revision or 0}:{outcome.read_at}:{outcome.result}"
    return f"{outcome.friend}:{outcome.revision}:{outcome.digest}:{outcome.attempts}"
