"""The LINE sink as a process."""

from cli.roles.loop import run_role
from runtime.settings import Settings
from sinks.line.run import run as serve


def run(settings: Settings) -> int:
    """Ask LINE for what the fold and the pages want, until SIGTERM."""
    return run_role(settings, serve)
