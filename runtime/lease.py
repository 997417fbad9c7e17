"""Who may have lost a partition does not write.

Law: the lease is held while the last heartbeat that the group coordinator confirmed was *sent* less than half a session
timeout ago. Counted from the sending, because the coordinator's clock started no earlier than that.
"""

from __future__ import annotations

from collections.abc import Callable

from runtime.clock import monotonic


class LeaseLost(Exception):
    """This process may no longer own its partitions: it must not hand over or write anything."""


class Lease:
    """Held for half of `session_seconds` after each renewal; never held before the first one."""

    def __init__(self, session_seconds: float, now: Callable[[], float] = monotonic) -> None:
        self._limit = session_seconds / 2
        self._now = now
        self._renewed = float("-inf")

    @property
    def renewed_at(self) -> float:
        """When the newest confirmed heartbeat was sent, on the lease's clock; -inf before the first."""
        return self._renewed

    def renew(self, sent_at: float) -> None:
        """Count a confirmed heartbeat from the moment it was sent; an older one changes nothing."""
        self._renewed = max(self._renewed, sent_at)

    def held(self) -> bool:
        """Whether this process surely still owns its partitions."""
        return self._now() - self._renewed < self._limit

    def check(self) -> None:
        """Raise LeaseLost unless the lease is held."""
        if not self.held():
            raise LeaseLost(f"last good heartbeat {self._now() - self._renewed:.1f} s ago, limit {self._limit:.1f} s")
