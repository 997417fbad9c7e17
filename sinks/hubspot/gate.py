"""Trouble of the whole portal: one call at a time, ever later, until one succeeds.

Law: the sink never gives up and never moves an offset for such trouble; it says what is wrong, and goes on by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from clients.hubspot.troubles import HubSpotTrouble
from domain.retry import PORTAL, BackOff
from runtime.logs import logger
from runtime.metrics import Metrics
from schemas.cloud_events import rfc3339

_LOG = logger(__name__)
_LOOK_AGAIN = 0.2
BY_OPERATOR = "paused_by_operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Why nothing is written: a code, a sentence, and since when (seconds of the monotonic clock)."""

    code: str
    sentence: str
    since: float = 0.0


class Gate:
    """Open while calls succeed, and while `held` is None; else it is the time (ms) since when an operator pauses it."""

    def __init__(self, metrics: Metrics, held: Callable[[], int | None] = lambda: None) -> None:
        self._metrics = metrics
        self._held = held
        self._paused: Paused | None = None
        self._failures = 0
        self._until = -math.inf

    @property
    def paused(self) -> Paused | None:
        """The operator's order or the trouble, if there is one."""
        if (since := self._held()) is None:
            return self._paused
        how = "`friendstream sink resume hubspot` goes on"
        return Paused(code=BY_OPERATOR, sentence=f"an operator paused the sink at {rfc3339(since)}; {how}")

    def failed_with(self, trouble: HubSpotTrouble, *, now: float, chance: float, least: float = 0.0) -> float:
        """A call ended in this trouble; gives the seconds until the next try."""
        return self.failed(trouble.code, str(trouble), now=now, back_off=PORTAL, chance=chance, least=least)

    def failed(
        self, code: str, sentence: str, *, now: float, back_off: BackOff, chance: float, least: float = 0.0
    ) -> float:
        """A call failed for a reason that is not in it; gives the seconds until the next try, at least `least`."""
        self._metrics.error(code)
        if self._paused is None or self._paused.code != code:
            self._paused = Paused(code=code, sentence=sentence, since=now)
            _LOG.warning("paused: %s (%s); every change is kept, and tried again", sentence, code)
        self._failures += 1
        wait = max(back_off.delay(self._failures, chance), least)
        self._until = max(self._until, now + wait)
        return wait

    def succeeded(self, *, now: float) -> None:
        """A call succeeded: whatever it was is over."""
        if self._paused is not None:
            _LOG.warning("resumed after %.1f s: %s is over", now - self._paused.since, self._paused.code)
        self._paused, self._failures, self._until = None, 0, -math.inf

    def eased(self, *, now: float) -> None:
        """What was wrong has been put right; should it fail again, the waits go on growing."""
        failures = self._failures
        self.succeeded(now=now)
        self._failures = failures

    def wait(self, now: float) -> float:
        """Seconds until the next call may be tried."""
        return max(0.0, self._until - now, 0.0 if self._held() is None else _LOOK_AGAIN)
