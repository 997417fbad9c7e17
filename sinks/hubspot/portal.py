"""The portal behind the token: whose it is, and whether our properties are there.

Law: no contact is written before the portal is known to be the one of the registry, if the token may ask for it, and
none while a property is known to be missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from clients.hubspot.contacts import AccountInfo, ContactsApi
from clients.hubspot.troubles import HubSpotTrouble, RateLimited, Refused, ServerTrouble
from domain.contact_properties import numbers_of
from domain.quota import Quota, until_midnight
from runtime.logs import logger
from sinks.hubspot.calls import ContactCalls

_LOG = logger(__name__)
_DAILY_LOOK_AGAIN = 900.0
_SECONDLY = 1.0


class NotSetUp(HubSpotTrouble):
    """Something at our side has to be put right by a person; the sink waits for it."""

    may_be_a_contact = False

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Portal:
    """`check_portal` raises a Refusal for a foreign portal, `ensure_properties` makes those of some connections.

    `removed` are the connections that need no properties any more, `held` since when (ms) an operator pauses the sink.
    """

    def __init__(
        self,
        api: ContactsApi | None,
        *,
        check_portal: Callable[[int], Awaitable[None]],
        ensure_properties: Callable[[frozenset[int]], Awaitable[None]],
        removed: Callable[[], frozenset[int]] = frozenset,
        held: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._api = api
        self._check_portal = check_portal
        self._ensure_properties = ensure_properties
        self.removed = removed
        self.held = held
        self._account: AccountInfo | None = None
        self._known = False
        self._missing: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        """Whether contacts may be written."""
        return self._known and not self._missing

    @property
    def api(self) -> ContactCalls:
        """The calls on contacts; only once ready."""
        if self._api is None:
            raise _no_token()
        return self._api

    async def prepare(self) -> None:
        """Do what is missing for `ready`; raises HubSpotTrouble, Refused, or the Refusal of a foreign portal."""
        if self._api is None:
            raise _no_token()
        if not self._known:
            self._account = await self._api.account()
            if self._account is None:
                _LOG.warning("the token may not ask for its account: that it is of the same portal cannot be checked")
            else:
                await self._check_portal(self._account.portal_id)
            self._known = True
        if self._missing:
            await self._ensure_properties(frozenset(numbers_of(self._missing)) - self.removed())
            self._missing = frozenset()

    def miss(self, names: Iterable[str]) -> None:
        """HubSpot does not know these properties."""
        self._missing |= frozenset(names)

    def properties_missing(self, names: Iterable[str]) -> HubSpotTrouble:
        """The trouble of missing properties, named."""
        return NotSetUp("property_missing", f"contact properties are missing in HubSpot: {', '.join(sorted(names))}")

    def cannot_prepare(self, refused: Refused) -> HubSpotTrouble:
        """The trouble of a portal that refuses our properties."""
        return NotSetUp("properties_refused", f"HubSpot does not take our contact properties: {refused}")

    def hold_for(self, trouble: HubSpotTrouble, quota: Quota, *, now: float, now_ms: int) -> float:
        """Seconds without any call that HubSpot asks for with this trouble; 0.0 when it asks for none."""
        if isinstance(trouble, ServerTrouble):
            return trouble.retry_after or 0.0
        if not isinstance(trouble, RateLimited):
            return 0.0
        if trouble.retry_after is not None:
            return trouble.retry_after
        if trouble.policy == "DAILY":
            offset = self._account.utc_offset_ms if self._account else 0
            return min(until_midnight(now_ms, offset), _DAILY_LOOK_AGAIN)
        return _SECONDLY if trouble.policy == "SECONDLY" else quota.window_opens_in(now)


def _no_token() -> HubSpotTrouble:
    return NotSetUp("token_missing", "FRIENDSTREAM_HUBSPOT_TOKEN is not set; set it and restart")
