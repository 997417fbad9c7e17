"""The HubSpot sink as a process."""

from cli.roles.loop import run_role
from runtime.settings import Settings
from sinks.hubspot.run import run as serve


def run(settings: Settings) -> int:
    """Write changes to HubSpot until SIGTERM."""
    return run_role(settings, serve)
