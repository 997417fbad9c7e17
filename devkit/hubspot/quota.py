"""HubSpot's limits: a rolling window of 10 s per app, searches per second and calls per day of the account.

Refused calls do not count. The day ends at midnight in the portal's time zone.
"""

from collections import deque
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from devkit.hubspot.answers import Json, Refusal
from devkit.hubspot.options import PortalOptions

WINDOW = 10_000


class Quota:
    """Calls counted so far; `now` in ms."""

    def __init__(self, options: PortalOptions) -> None:
        self._options = options
        self._calls: dict[str, deque[int]] = {}
        self._searches: deque[int] = deque()
        self._day = ""
        self.calls_today = 0

    def admit(self, token: str, now: int, *, search: bool) -> dict[str, str]:
        """Count a call and return its rate-limit headers; raises the 429 of the limit it would break."""
        self.roll(now)
        options = self._options
        calls = self._calls.setdefault(token, deque())
        _forget(calls, now - WINDOW)
        _forget(self._searches, now - 1_000)
        if options.daily_limit and self.calls_today >= options.daily_limit:
            raise Refusal(429, exceeded("DAILY"), self._headers(calls, search=search))
        if search and options.search_limit and len(self._searches) >= options.search_limit:
            raise Refusal(429, exceeded("SECONDLY"), self._headers(calls, search=search))
        if not search and options.burst_limit and len(calls) >= options.burst_limit:
            raise Refusal(429, exceeded("TEN_SECONDLY_ROLLING"), self._headers(calls, search=search))
        self.calls_today += 1
        (self._searches if search else calls).append(now)
        return self._headers(calls, search=search)

    def resets_at(self, now: int) -> int:
        """Return the next midnight of the portal."""
        here = self._local(now)
        midnight = datetime.combine(here.date() + timedelta(days=1), time(), here.tzinfo)
        return int(midnight.timestamp() * 1000)

    def utc_offset(self, now: int) -> int:
        """Return the portal's distance from UTC in ms."""
        offset = self._local(now).utcoffset() or timedelta()
        return int(offset.total_seconds() * 1000)

    def roll(self, now: int) -> None:
        """Begin a new day's count once the portal's day is over."""
        day = self._local(now).date().isoformat()
        if day != self._day:
            self._day, self.calls_today = day, 0

    def _local(self, now: int) -> datetime:
        return datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(self._options.time_zone))

    def _headers(self, calls: deque[int], *, search: bool) -> dict[str, str]:
        headers = {}
        if self._options.daily_limit:
            left = max(0, self._options.daily_limit - self.calls_today)
            headers["X-HubSpot-RateLimit-Daily"] = str(self._options.daily_limit)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(left)
        if not search and self._options.burst_limit:
            secondly = str(max(1, self._options.burst_limit // 10))
            headers["X-HubSpot-RateLimit-Max"] = str(self._options.burst_limit)
            headers["X-HubSpot-RateLimit-Remaining"] = str(max(0, self._options.burst_limit - len(calls)))
            headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(WINDOW)
            headers["X-HubSpot-RateLimit-Secondly"] = secondly
            headers["X-HubSpot-RateLimit-Secondly-Remaining"] = secondly
        return headers


def exceeded(policy: str) -> Json:
    """Return the body of a 429, in the one of the two shapes that HubSpot uses for this limit."""
    if policy == "SECONDLY":
        message = "You have reached your secondly limit."
        return {"status": "error", "message": message, "category": "RATE_LIMITS"}
    body: Json = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "policyName": policy,
    }
    if policy == "TEN_SECONDLY_ROLLING":
        body["groupName"] = "publicapi:private_app-api-calls-ten-secondly:1160452"
    return body


def _forget(calls: deque[int], until: int) -> None:
    while calls and calls[0] <= until:
        calls.popleft()
