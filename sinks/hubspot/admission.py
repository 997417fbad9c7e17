"""One change per friend at a time.

Law: a friend's later change waits until the earlier one is answered, and then starts from what the answer said.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from schemas.changes import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A change and where it was read."""

    partition: int
    offset: int
    change: Change


class Admission:
    """Who is being worked on, and who waits."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Arrival]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Changes that are being worked on or wait."""
        return self._count

    def admit(self, arrival: Arrival) -> bool:
        """Whether the change may start now; otherwise it waits."""
        self._count += 1
        line = self._waiting.get(arrival.change.friend)
        if line is None:
            self._waiting[arrival.change.friend] = deque()
            return True
        line.append(arrival)
        return False

    def finish(self, friend: str) -> Arrival | None:
        """A friend's change is answered: the one that starts now, None when none waits."""
        line = self._waiting.get(friend)
        if line is None:
            return None
        self._count -= 1
        if line:
            return line.popleft()
        del self._waiting[friend]
        return None

    def clear(self) -> None:
        """Forget everybody."""
        self._waiting.clear()
        self._count = 0
