"""What the verbs and roles are made of: the doors, and the registry behind them.

Law: rooms that must not know each other are joined here and nowhere else.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from clients.hubspot.contacts import ContactsApi, open_session
from registry.log import Registry
from runtime.sealing import SealingKey
from runtime.settings import Settings

if TYPE_CHECKING:
    from registry.connect import Connector


@contextlib.asynccontextmanager
async def connector(settings: Settings, brokers: str) -> AsyncIterator[Connector]:
    """Makes and checks connections while the block lasts."""
    from clients.line import LineApi  # the vendors' SDKs take seconds to import: only those who connect pay for them
    from registry.connect import Connector
    from registry.property_setup import ensurer

    registry = Registry(brokers)
    async with LineApi(settings.line_api_url, ca_file=settings.ca_file) as line:
        yield Connector(registry, line, SealingKey.load(settings), ensurer(settings, registry), settings)


@contextlib.asynccontextmanager
async def contacts_api(settings: Settings) -> AsyncIterator[ContactsApi]:
    """HubSpot's contact calls while the block lasts; Refusal 78 without a token."""
    token = settings.required_hubspot_token()
    async with open_session(settings.ca_file) as session:
        yield ContactsApi(settings.hubspot_api_url, token, session)
