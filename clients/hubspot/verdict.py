"""Which trouble an answer without success is.

Law: a 4xx is about what was in the call, but for those that are about the token, the portal or the moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clients.hubspot import answers
from clients.hubspot.troubles import (
    HubSpotTrouble,
    MissingScopes,
    RateLimited,
    Refused,
    ServerTrouble,
    Unauthorized,
)

_LOCKED: Final = 423
_OF_THE_MOMENT: Final = frozenset({408, 423, 477})
_LOCKED_SECONDS: Final = 2.0


def trouble_of(status: int, headers: Mapping[str, str], body: Any) -> HubSpotTrouble | Refused:
    """The error to raise for an answer that is no 2xx (facts/hubspot.md 13)."""
    correlation = answers.correlation_of(headers, body)
    if status == 429:
        return RateLimited(
            answers.rate_limit_policy(body),
            answers.retry_after(headers),
            limits=answers.limits_of(headers),
            correlation=correlation,
        )
    if status == 401:
        return Unauthorized("HubSpot does not accept the token", correlation=correlation)
    if status == 403:
        return MissingScopes(answers.scopes_needed(body), correlation=correlation)
    if 400 <= status < 500 and status not in _OF_THE_MOMENT:
        return Refused(answers.refusal(status, headers, body))
    wait = answers.retry_after(headers)
    return ServerTrouble(
        status, _LOCKED_SECONDS if status == _LOCKED and wait is None else wait, correlation=correlation
    )
