"""The ingress as a process."""

from cli.roles.loop import run_role
from ingress.run import run as serve
from runtime.settings import Settings


def run(settings: Settings) -> int:
    """Receive webhooks until SIGTERM."""
    return run_role(settings, serve)
