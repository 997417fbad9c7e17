"""How this portal is set up, and which of the documented or unknown behaviours it shows."""

from typing import Any

import msgspec


class PortalOptions(msgspec.Struct):
    """Settings of one simulated portal; shared by its parts and changeable while it runs. Times in milliseconds."""

    portal_id: int = 48120615
    account_type: str = "DEVELOPER_TEST"
    time_zone: str = "Asia/Tokyo"
    currency: str = "JPY"
    ui_domain: str = "app.hubspot.com"

    burst_limit: int = 190  # calls of one app in 10 s (Professional); 0 = no limit
    daily_limit: int = 625_000  # calls of the account a day; 0 = no limit
    search_limit: int = 5  # searches of the account in a second; 0 = no limit
    search_lag: int = 3_000  # until a write can be found by a search

    merge_keeps_primary_id: bool = False  # False: a merge mints a new id; True: "Primary ID preservation"
    edited_email_stays_additional: bool = False  # unknown at HubSpot
    restore_keeps_id: bool = True  # unknown at HubSpot
    privacy_purge_after: int = 0  # an erased contact reads as archived until then (HubSpot: up to 30 days)
    privacy_delete_blocks_email: bool = False  # the knowledge base says no, a text of the interface says yes
    bin_days: int = 90
    longest_text: int = 65_536

    def change(self, values: dict[str, Any]) -> None:
        """Set the named options in place; raises msgspec.ValidationError on an unknown name or a wrong type."""
        unknown = sorted(set(values) - set(self.__struct_fields__))
        if unknown:
            raise msgspec.ValidationError(f"unknown options: {', '.join(unknown)}")
        changed = msgspec.convert({**msgspec.to_builtins(self), **values}, PortalOptions)
        for name in values:
            setattr(self, name, getattr(changed, name))
