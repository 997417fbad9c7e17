"""Too many friends refused in a row are our bug, not their data.

Law: after `limit` distinct friends in a row were rejected and none written, no further rejection is published.
"""

from __future__ import annotations

LIMIT = 20


class RejectionBudget:
    """Distinct friends rejected since the last write that succeeded."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._friends: set[str] = set()

    def wrote(self) -> None:
        """A write succeeded."""
        self._friends.clear()

    @property
    def left(self) -> int:
        """How many further friends may be rejected before none is."""
        return self.limit - len(self._friends)

    def allows(self, friend: str) -> bool:
        """Count a rejection; False when it is one too many."""
        if friend not in self._friends and len(self._friends) >= self.limit:
            return False
        self._friends.add(friend)
        return True
