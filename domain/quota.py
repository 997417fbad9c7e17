"""How many calls to HubSpot are allowed, and when the next one is.

Law: within any `interval` HubSpot receives at most `limit` calls of ours. HubSpot counts a call somewhere between our
sending and its answer, so a call keeps its place until `interval` after the answer. The answers' headers correct what
we believe: the limit, what other programs with this token use, and what is left of the day. Time is passed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_SOON = 0.05
_ROUNDING = 1e-6  # a wait that no clock can show would be asked for again and again
DAILY_LOOK_AGAIN = 900.0
LOW_PRIORITY_PART = 0.8
LOW_PRIORITY_DAILY_PART = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an answer's rate-limit headers say; None where a header is absent (facts/hubspot.md 12)."""

    most: int | None = None
    remaining: int | None = None
    interval: float | None = None
    daily: int | None = None
    daily_remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaPolicy:
    """`limit` calls in `interval` seconds, evenly after a `burst`; None: what HubSpot says, `assumed` until it does."""

    limit: int | None = None
    interval: float = 10.0
    assumed: int = 100
    burst: int = 4


@dataclass(slots=True)
class _Call:
    sent_at: float
    answered_at: float | None = None


@dataclass(slots=True)
class Quota:
    """The state of the sliding window of one token, as one process sees it."""

    policy: QuotaPolicy
    _calls: dict[int, _Call] = field(default_factory=dict)
    _next_ticket: int = 0
    _told: int | None = None
    _interval: float = 0.0
    _foreign: tuple[float, int] = (-math.inf, 0)
    _held_until: float = -math.inf
    _daily: int | None = None
    _daily_remaining: int | None = None
    _tokens: float = 0.0
    _filled_at: float = -math.inf

    def __post_init__(self) -> None:
        self._interval = self.policy.interval

    @property
    def limit(self) -> int:
        """Calls that we may make in one interval: the setting's, HubSpot's, or the smaller of both."""
        if self.policy.limit is None:
            return self._told or self.policy.assumed
        return min(self.policy.limit, self._told or self.policy.limit)

    @property
    def daily_remaining(self) -> int | None:
        """Calls left today for the whole portal, as far as known."""
        return self._daily_remaining

    def used(self, now: float) -> int:
        """Our calls that HubSpot may still count."""
        self._forget(now)
        return len(self._calls)

    def wait(self, now: float, *, share: float = 1.0, low: bool = False) -> float:
        """Seconds until a call is worth asking for again; 0.0 means it may be made now.

        `share` is our part of the limit (own partitions / all); `low` leaves room for more important calls.
        """
        self._forget(now)
        if now < self._held_until:
            return self._held_until - now
        part = share * (LOW_PRIORITY_PART if low else 1.0)
        own = max(1, math.floor(self.limit * part + 1e-9))
        if len(self._calls) >= own or len(self._calls) + self._foreign_calls(now) >= (self._told or self.limit):
            return self._until_room(now)
        if self._day_is_spent(low=low):
            if not low:
                self._daily_remaining = None  # only a call can tell whether a new day has begun
                self._held_until = now + DAILY_LOOK_AGAIN
            return DAILY_LOOK_AGAIN
        return self._until_token(now, own)

    def sent(self, now: float) -> int:
        """Count a call that is being sent; gives its ticket."""
        self._refill(now)
        self._tokens = max(0.0, self._tokens - 1)
        self._next_ticket += 1
        self._calls[self._next_ticket] = _Call(now)
        if self._daily_remaining is not None:
            self._daily_remaining -= 1
        return self._next_ticket

    def answered(self, ticket: int, now: float, limits: Limits | None = None) -> None:
        """The call has been answered, or given up; learn from its headers."""
        call = self._calls.get(ticket)
        if call is not None and call.answered_at is None:
            call.answered_at = now
        if limits is not None:
            self._learn(now, limits)

    def hold(self, now: float, seconds: float) -> None:
        """No call for so long: HubSpot refused one as too many."""
        self._held_until = max(self._held_until, now + seconds)

    def window_opens_in(self, now: float) -> float:
        """Seconds to wait after a refusal of the window.

        Where our own calls fill it, until the oldest of them leaves it; else others fill it, and a second is worth a
        try: places become free all the time.
        """
        self._forget(now)
        ends = [call.answered_at + self._interval for call in self._calls.values() if call.answered_at is not None]
        if len(self._calls) < self.limit:
            return 1.0
        return min(max(min(ends, default=now) - now, 1.0), self._interval)

    def _learn(self, now: float, limits: Limits) -> None:
        if limits.most:
            self._told = limits.most
        if limits.interval:
            self._interval = limits.interval
        if limits.most and limits.remaining is not None:
            self._forget(now)
            self._foreign = (now, max(0, limits.most - limits.remaining - len(self._calls)))
        if limits.daily:
            self._daily = limits.daily
        if limits.daily_remaining is not None:
            self._daily_remaining = limits.daily_remaining

    def _foreign_calls(self, now: float) -> int:
        seen_at, count = self._foreign
        return count if now - seen_at < self._interval else 0

    def _day_is_spent(self, *, low: bool) -> bool:
        if self._daily_remaining is None:
            return False
        kept = math.floor((self._daily or 0) * LOW_PRIORITY_DAILY_PART) if low else 0
        return self._daily_remaining <= kept

    def _until_room(self, now: float) -> float:
        ends = [call.answered_at + self._interval for call in self._calls.values() if call.answered_at is not None]
        if self._foreign_calls(now):
            ends.append(self._foreign[0] + self._interval)
        return max(min(ends, default=now + _SOON) - now, 0.001)

    def _until_token(self, now: float, own: int) -> float:
        self._refill(now, own)
        return 0.0 if self._tokens > 1 - _ROUNDING else (1 - self._tokens) * self._interval / own

    def _refill(self, now: float, own: int | None = None) -> None:
        """Even pace after a burst: it gives the fold time to gather, and other programs a place."""
        rate = (own or self.limit) / self._interval
        gained = (now - self._filled_at) * rate if self._filled_at > -math.inf else self.policy.burst
        self._tokens = min(self.policy.burst, self._tokens + gained)
        self._filled_at = now

    def _forget(self, now: float) -> None:
        over = [
            ticket
            for ticket, call in self._calls.items()
            if call.answered_at is not None and now - call.answered_at >= self._interval
        ]
        for ticket in over:
            del self._calls[ticket]


def until_midnight(now_ms: int, utc_offset_ms: int) -> float:
    """Seconds until the portal's day ends, where `utc_offset_ms` is the portal's offset from UTC."""
    day = 86_400_000
    return (day - (now_ms + utc_offset_ms) % day) / 1000
