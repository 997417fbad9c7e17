"""The LINE sink as a process; where roles run alone, it is the one that applies CONNECTIONS_FILE."""

import asyncio

from cli.ground import applications_of, apply_connections
from cli.roles.loop import run_role
from runtime.settings import Settings
from sinks.line.run import run as serve


def run(settings: Settings) -> int:
    """Ask LINE for what the fold and the pages want, until SIGTERM."""
    applications = applications_of(settings)

    async def connect_and_serve(settings: Settings, brokers: str, stop: asyncio.Event) -> None:
        await apply_connections(settings, brokers, applications)
        await serve(settings, brokers, stop)

    return run_role(settings, connect_and_serve)
