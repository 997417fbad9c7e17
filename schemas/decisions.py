"""friend.decisions.v1: what followed from each folded record, and why. Names and codes, never content.

Law: one per folded record; after a replay the last one for (topic, partition, offset) that is not `duplicate` counts.
"""

from typing import Literal

from schemas.codec import Record, decoder
from schemas.marks import Cause

Decision = Literal[
    "changed", "same", "older", "duplicate", "waiting", "not_permitted", "blocked", "shadowed", "erased", "no_friend",
    "settled", "rewritten",
]  # fmt: skip


class Because(Record, frozen=True, kw_only=True):
    """What the decision rests on: the contact's status and since when, newest and delivered trigger, a code."""

    contact: str | None = None
    since: int | None = None
    trigger: str | None = None
    delivered: str | None = None
    code: str | None = None
    result: str | None = None


class DecisionRecord(Record, frozen=True, kw_only=True):
    """What followed from one record."""

    friend: str | None = None
    connection: int | None = None
    at: int
    cause: Cause
    decision: Decision
    revision: int | None = None
    because: Because | None = None


read_decision = decoder(DecisionRecord)
