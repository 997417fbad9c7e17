"""`run ROLE`: one role in this process, until SIGTERM.

Law: a role gets everything from the settings and meets the others only in Kafka; its document in DATA_DIR/run says when
it is ready.
"""

import importlib
from typing import get_args

import click

from cli.roles import RoleName
from runtime.logs import configure
from runtime.settings import Settings


@click.command("run")
@click.argument("role", type=click.Choice(get_args(RoleName)))
def command(role: RoleName) -> None:
    """Run one role: broker, ingress, fold, hubspot or line."""
    settings = Settings.load()
    configure(settings, role)
    raise SystemExit(importlib.import_module(f"cli.roles.{role}").run(settings))
