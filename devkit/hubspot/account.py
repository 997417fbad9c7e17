"""One HubSpot account: the portal, who may call it and how often."""

from devkit.clock import seeded
from devkit.hubspot.access import Access
from devkit.hubspot.options import PortalOptions
from devkit.hubspot.portal import Portal
from devkit.hubspot.quota import Quota


class Account:
    """Everything one simulated account remembers; the same seed and calls give the same answers."""

    def __init__(self, token: str, options: PortalOptions | None = None, seed: int | None = 1) -> None:
        self.options = options or PortalOptions()
        self.random = seeded(seed)
        self.portal = Portal(self.options, self.random)
        self.access = Access(token)
        self.quota = Quota(self.options)
