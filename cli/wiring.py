"""What the verbs and roles are made of: the doors, and the registry behind them.

Law: rooms that must not know each other are joined here and nowhere else.
"""

import contextlib
from collections.abc import AsyncIterator

from clients.hubspot.contacts import ContactsApi, open_session
from clients.line import LineApi
from registry.connect import Connector
from registry.log import Registry
from registry.property_setup import ensurer
from runtime.sealing import SealingKey
from runtime.settings import Settings


@contextlib.asynccontextmanager
async def connector(settings: Settings, brokers: str) -> AsyncIterator[Connector]:
    """Makes and checks connections while the block lasts."""
    registry = Registry(brokers)
    async with LineApi(settings.line_api_url, ca_file=settings.ca_file) as line:
        yield Connector(registry, line, SealingKey.load(settings), ensurer(settings, registry), settings)


@contextlib.asynccontextmanager
async def contacts_api(settings: Settings) -> AsyncIterator[ContactsApi]:
    """HubSpot's contact calls while the block lasts; Refusal 78 without a token."""
    token = settings.required_hubspot_token()
    async with open_session(settings.ca_file) as session:
        yield ContactsApi(settings.hubspot_api_url, token, session)
