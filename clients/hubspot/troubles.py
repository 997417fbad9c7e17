"""What can go wrong with a whole call to HubSpot.

Law: a trouble says nothing about a single contact and nothing was decided by it; `Refused` is an answer, and belongs
to what was in the call. Messages name statuses and codes, never what was sent or answered.
"""

from __future__ import annotations

from domain.batch_answers import BatchAnswer
from domain.quota import Limits


class HubSpotTrouble(Exception):
    """The portal, the token or the way to it is in trouble: the same call may succeed later."""

    code = "hubspot_trouble"
    may_be_a_contact = False  # whether one contact in the call may be what HubSpot stumbles over

    def __init__(self, message: str, *, limits: Limits | None = None, correlation: str | None = None) -> None:
        super().__init__(message)
        self.limits = limits
        self.correlation = correlation


class RateLimited(HubSpotTrouble):
    """429: too many calls; `policy` is HubSpot's name of the limit, `retry_after` in seconds where it says so."""

    code = "rate_limited"

    def __init__(
        self, policy: str, retry_after: float | None, *, limits: Limits | None = None, correlation: str | None = None
    ) -> None:
        super().__init__(f"HubSpot refuses calls: limit {policy}", limits=limits, correlation=correlation)
        self.policy = policy
        self.retry_after = retry_after


class Unauthorized(HubSpotTrouble):
    """401: the token is wrong, expired or withdrawn."""

    code = "token_rejected"


class MissingScopes(HubSpotTrouble):
    """403: the token lacks permissions; `scopes` as HubSpot names them."""

    code = "scopes_missing"

    def __init__(self, scopes: tuple[str, ...], *, correlation: str | None = None) -> None:
        named = ", ".join(scopes) if scopes else "not named by HubSpot"
        super().__init__(f"the token may not do this; scopes needed: {named}", correlation=correlation)
        self.scopes = scopes


class ServerTrouble(HubSpotTrouble):
    """5xx, 423, 477: HubSpot cannot answer now; `retry_after` in seconds where it says so."""

    code = "hubspot_unavailable"
    may_be_a_contact = True

    def __init__(self, status: int, retry_after: float | None = None, *, correlation: str | None = None) -> None:
        super().__init__(f"HubSpot answers {status}", correlation=correlation)
        self.status = status
        self.retry_after = retry_after


class TimedOut(HubSpotTrouble):
    """No answer in time: whether HubSpot did it is unknown."""

    code = "hubspot_timeout"
    may_be_a_contact = True


class Unreachable(HubSpotTrouble):
    """No connection, or one that broke: whether HubSpot did it is unknown."""

    code = "hubspot_unreachable"
    may_be_a_contact = True


class Refused(Exception):
    """4xx for the whole call: something in it is wrong. `answer.errors` has one entry."""

    def __init__(self, answer: BatchAnswer) -> None:
        codes = ", ".join(code for error in answer.errors for code in (error.category, *error.codes) if code)
        super().__init__(f"HubSpot refuses the call with {answer.status}: {codes or 'no code'}")
        self.answer = answer
