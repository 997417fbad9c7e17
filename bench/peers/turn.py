"""What every peer does with one event: our parsing, our domain, our encoding; only the shell around it differs."""

from __future__ import annotations

from typing import NamedTuple

from domain.policy import FoldPolicy
from domain.turn import Incoming, turn
from runtime.clock import now_ms
from schemas.codec import encode
from schemas.events import read_event_record
from schemas.friends import read_friend_state
from schemas.topics import EVENTS

_POLICY = FoldPolicy()


class Made(NamedTuple):
    """One turn in bytes."""

    state: bytes | None
    changes: list[bytes]
    requests: list[bytes]
    decisions: list[bytes]


def fold_one(key: bytes, row: bytes | None, partition: int, offset: int, value: bytes) -> Made:
    """Fold one event into one friend's row."""
    state = None if row is None else read_friend_state(row)
    item = Incoming(EVENTS.name, partition, offset, read_event_record(value))
    made = turn(key.decode(), state, [item], now=now_ms(), policy=_POLICY)
    return Made(
        None if made.state is None else encode(made.state),
        [encode(change) for change in made.changes],
        [encode(request) for request in made.requests],
        [encode(decision) for decision in made.decisions],
    )
