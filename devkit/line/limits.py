"""Rate limits: one token bucket per channel and call (facts/line.md 20). Time is passed in."""

from dataclasses import dataclass

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`calls` in `period_ms`, refilled evenly."""

    calls: int
    period_ms: int


OTHERS = Limit(2_000, SECOND)
DOCUMENTED = {
    "webhook.test": Limit(60, HOUR),
    "webhook.get": Limit(1_000, MINUTE),
    "webhook.put": Limit(1_000, MINUTE),
    "message.multicast": Limit(200, SECOND),
    "token.short": Limit(370, SECOND),
}


class RateLimits:
    """The buckets of every channel; `overrides` replace the documented limit of a call."""

    def __init__(self) -> None:
        self.overrides: dict[str, Limit] = {}
        self._buckets: dict[tuple[str, str], tuple[float, int]] = {}

    def allow(self, channel_id: str, call: str, now: int) -> bool:
        """Take one call out of the bucket; False when it is empty."""
        limit = self.overrides.get(call) or DOCUMENTED.get(call, OTHERS)
        left, at = self._buckets.get((channel_id, call), (float(limit.calls), now))
        left = min(float(limit.calls), left + (now - at) * limit.calls / limit.period_ms)
        allowed = left >= 1
        self._buckets[(channel_id, call)] = (left - 1 if allowed else left, now)
        return allowed
