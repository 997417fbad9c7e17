"""The seven properties of a connection, in HubSpot.

Law: nothing is made in a portal before the registry knows it as its own, where the token may say whose it is.
"""

from __future__ import annotations

import asyncio

from clients.hubspot.contacts import ContactsApi, open_session
from clients.hubspot.properties import EnsureReport, PropertiesApi
from clients.hubspot.troubles import HubSpotTrouble, Refused
from registry.log import Registry
from registry.portal import keep_portal
from registry.properties import EnsureProperties, PropertiesReport, PropertiesUnknown
from runtime.settings import Settings


def ensurer(settings: Settings, registry: Registry) -> EnsureProperties:
    """See to the properties in the portal of HUBSPOT_TOKEN; Refusal 78 when that is another portal than before."""
    portal_is_known = False
    asking = asyncio.Lock()  # connections are checked at once, and the portal is the same for all

    async def ensure(number: int) -> PropertiesReport:
        nonlocal portal_is_known
        if settings.hubspot_token is None:
            raise PropertiesUnknown("FRIENDSTREAM_HUBSPOT_TOKEN is not set")
        token = settings.hubspot_token.reveal()
        try:
            async with asking:
                if not portal_is_known:
                    await _keep_portal(settings, token, registry)
                    portal_is_known = True
            api = PropertiesApi(settings.hubspot_api_url, token, ca_file=settings.ca_file)
            return _told(await api.ensure_connection_properties([number]))
        except HubSpotTrouble as trouble:
            raise PropertiesUnknown(str(trouble)) from None
        except Refused as refused:
            raise PropertiesUnknown(f"HubSpot refuses the request ({refused.answer.status})") from None

    return ensure


async def _keep_portal(settings: Settings, token: str, registry: Registry) -> None:
    async with open_session(settings.ca_file) as session:
        account = await ContactsApi(settings.hubspot_api_url, token, session).account()
    if account is not None:
        await keep_portal(registry, account.portal_id)


def _told(report: EnsureReport) -> PropertiesReport:
    return PropertiesReport(
        created=report.created,
        restored=report.restored,
        adopted=report.adopted,
        wrong=tuple(str(wrong) for wrong in report.wrong),
    )
