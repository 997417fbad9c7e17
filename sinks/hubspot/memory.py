"""What this sink wrote lately.

Law: a change without an id whose friend has a written outcome uses that id, and a trigger that was written permits no
creation; nothing else is remembered. Read from the sink's own outcomes at assignment, so a crash between outcome and
commit cannot double a contact.
"""

from __future__ import annotations

from domain.delivery import Written
from schemas.marks import Mark
from schemas.outcomes import WROTE, Outcome

HOUR_MS = 3_600_000
_PRUNE_OVER = 50_000


class Memory:
    """The newest write of each friend."""

    def __init__(self) -> None:
        self._written: dict[str, Written] = {}
        self._prune_at = _PRUNE_OVER

    def of(self, friend: str) -> Written | None:
        """What was written for a friend; None when nothing is remembered."""
        return self._written.get(friend)

    def note(self, outcome: Outcome) -> None:
        """Remember a write; an erasure makes us forget the friend. What a sweep saw is not a write."""
        if outcome.result == "erased":
            self._written.pop(outcome.friend, None)
            return
        if outcome.read_at is not None or outcome.result not in WROTE or outcome.contact is None:
            return
        before = self._written.get(outcome.friend)
        carried = None if outcome.shadowed or outcome.first_act else outcome.trigger
        self._written[outcome.friend] = Written(
            contact=outcome.contact, at=outcome.at, trigger=_newest(before.trigger if before else None, carried)
        )

    def prune(self, now_ms: int, keep_ms: int = HOUR_MS) -> None:
        """Forget writes older than an hour, once there are many."""
        if len(self._written) < self._prune_at:
            return
        self._written = {friend: one for friend, one in self._written.items() if now_ms - one.at < keep_ms}
        self._prune_at = max(_PRUNE_OVER, 2 * len(self._written))

    def clear(self) -> None:
        """Forget everything."""
        self._written.clear()


def _newest(one: Mark | None, other: Mark | None) -> Mark | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda mark: (mark.at, mark.id))
