"""What the verbs and roles are made of: the doors, and the registry behind them.

Law: rooms that must not know each other are joined here and nowhere else.
"""

import contextlib
from collections.abc import AsyncIterator

from clients.hubspot.contacts import ContactsApi, open_session
from clients.hubspot.properties import PropertiesApi
from clients.hubspot.troubles import HubSpotTrouble, Refused
from clients.line import LineApi
from registry.connect import Connector
from registry.log import Registry
from registry.properties import EnsureProperties, PropertiesReport, PropertiesUnknown
from runtime.sealing import SealingKey
from runtime.settings import Settings


def ensure_properties(settings: Settings) -> EnsureProperties:
    """How the registry sees to the properties of connection N."""

    async def ensure(number: int) -> PropertiesReport:
        if settings.hubspot_token is None:
            raise PropertiesUnknown("FRIENDSTREAM_HUBSPOT_TOKEN is not set")
        api = PropertiesApi(settings.hubspot_api_url, settings.hubspot_token.reveal(), ca_file=settings.ca_file)
        try:
            report = await api.ensure_connection_properties([number])
        except HubSpotTrouble as trouble:
            raise PropertiesUnknown(str(trouble)) from None
        except Refused as refused:
            raise PropertiesUnknown(f"HubSpot refuses the request ({refused.answer.status})") from None
        return PropertiesReport(
            created=report.created,
            restored=report.restored,
            adopted=report.adopted,
            wrong=tuple(str(wrong) for wrong in report.wrong),
        )

    return ensure


@contextlib.asynccontextmanager
async def connector(settings: Settings, brokers: str) -> AsyncIterator[Connector]:
    """Makes and checks connections while the block lasts."""
    async with LineApi(settings.line_api_url, ca_file=settings.ca_file) as line:
        key = SealingKey.load(settings)
        yield Connector(Registry(brokers), line, key, ensure_properties(settings), settings)


@contextlib.asynccontextmanager
async def contacts_api(settings: Settings) -> AsyncIterator[ContactsApi]:
    """HubSpot's contact calls while the block lasts; Refusal 78 without a token."""
    token = settings.required_hubspot_token()
    async with open_session(settings.ca_file) as session:
        yield ContactsApi(settings.hubspot_api_url, token, session)
