"""How long to wait before trying again, and how often one item is tried.

Law: the wait depends on the number of failures and a given chance, never on a clock; trouble of the whole portal is
waited out for ever, trouble of one item ends after `ITEM_TRIES`, so that no partition waits for one friend.
"""

from __future__ import annotations

from dataclasses import dataclass

ITEM_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """Seconds between tries: `first`, then `factor` times as long each time, at most `most`, spread by chance."""

    first: float
    most: float
    factor: float = 2.0
    spread: float = 0.2

    def delay(self, failures: int, chance: float) -> float:
        """Seconds to wait after the given number of failures in a row; `chance` from 0 to 1 spreads it."""
        if failures <= 0:
            return 0.0
        steps = min(failures - 1, 64)  # beyond this any factor over 1 is past every `most`
        return min(self.first * self.factor**steps, self.most) * (1 + self.spread * (2 * chance - 1))


PORTAL = BackOff(first=0.5, most=30.0)
ITEM = BackOff(first=1.0, most=30.0)

REJECTIONS = BackOff(first=60.0, most=900.0)
