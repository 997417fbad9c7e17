"""A HubSpot sink as a child process, for tests that kill it: settings come from the environment."""

from __future__ import annotations

import asyncio

from runtime.process import until_stopped
from runtime.settings import Settings
from sinks.hubspot.run import run


async def main() -> None:
    settings = Settings.load()
    await run(settings, settings.kafka, await until_stopped())


if __name__ == "__main__":
    asyncio.run(main())
