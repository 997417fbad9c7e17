"""The HubSpot portal that this registry belongs to.

Law: the first portal stays the only one. With a token of another portal every contact would look erased.
"""

from __future__ import annotations

from registry.log import Registry
from runtime.clock import now_ms
from runtime.refusal import MISCONFIGURED, Refusal
from schemas.connections import PortalRecord


async def keep_portal(registry: Registry, portal_id: int) -> PortalRecord:
    """Remember the portal of the token in use; Refusal 78 when it is not the portal of before."""
    return await registry.transact_portal(lambda known: decide(known, portal_id, now_ms()))


def decide(known: PortalRecord | None, portal_id: int, now: int) -> PortalRecord:
    """The portal's record: the known one, or a new one."""
    if known is None:
        return PortalRecord(portal_id=portal_id, since=now)
    if known.portal_id != portal_id:
        raise Refusal(
            MISCONFIGURED,
            "other_portal",
            f"the HubSpot token belongs to portal {portal_id}, but the contacts are in portal {known.portal_id}",
            where="FRIENDSTREAM_HUBSPOT_TOKEN",
            next_step="give a token of that portal, or use an empty DATA_DIR and Kafka for the new one",
        )
    return known
