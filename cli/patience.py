"""Asking HubSpot from a verb: a person waits, so it waits for the quota, and not for ever.

Law: what HubSpot refuses ends the verb with 5, what it cannot answer now with 69; nothing in between is hidden.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from clients.hubspot.troubles import HubSpotTrouble, MissingScopes, RateLimited, Refused, Unauthorized
from runtime.refusal import UNAVAILABLE, VENDOR_REFUSED, Refusal

TRIES = 6
WINDOW_SECONDS = 10.0
CHECK = "friendstream check says what the token needs"

T = TypeVar("T")


async def patiently(call: Callable[[], Awaitable[T]], *, next_step: str = CHECK) -> T:
    """The call's answer; `next_step` is what a person can do when HubSpot refuses. Refusal 5 or 69."""
    trouble: HubSpotTrouble | None = None
    for attempt in range(TRIES):
        try:
            return await call()
        except (Unauthorized, MissingScopes, Refused) as refused:
            raise Refusal(
                VENDOR_REFUSED, "hubspot_refused", f"HubSpot refuses: {refused}", next_step=next_step
            ) from None
        except HubSpotTrouble as found:
            trouble = found
            pause = (found.retry_after or WINDOW_SECONDS) if isinstance(found, RateLimited) else 2.0**attempt / 2
            await asyncio.sleep(min(pause, WINDOW_SECONDS))
    raise Refusal(
        UNAVAILABLE, "hubspot_unavailable", f"HubSpot does not answer: {trouble}", next_step="try again later"
    )
