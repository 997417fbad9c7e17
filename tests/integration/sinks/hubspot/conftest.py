"""Fixtures of the HubSpot sink's integration tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from clients.hubspot.properties import PropertiesApi
from devkit.hubspot import HubSpotSimulator
from runtime.appender import Appender
from runtime.settings import Settings
from tests.integration.sinks.hubspot.world import TOKEN, World


@pytest.fixture
async def hubspot() -> AsyncIterator[HubSpotSimulator]:
    async with HubSpotSimulator(token=TOKEN, seed=1) as simulator:
        yield simulator


@pytest.fixture
async def world(
    topics: Settings, settings_for: Callable[..., Settings], hubspot: HubSpotSimulator
) -> AsyncIterator[World]:
    await PropertiesApi(hubspot.url, TOKEN).ensure_connection_properties([1, 2])
    settings = settings_for(hubspot_token=TOKEN, hubspot_api_url=hubspot.url, session_seconds=6)
    appender = Appender(settings.kafka, client_id="test")
    built = World(settings, settings.kafka, hubspot, appender)
    yield built
    for task in built.tasks:
        task.cancel()
    await asyncio.gather(*built.tasks, return_exceptions=True)
    await appender.stop()
