"""`version`: what runs here."""

import platform
from importlib.metadata import version

import click

from cli.output import json_option, print_json, print_table

PARTS = ("friendstream", "faust-streaming", "aiokafka", "aiohttp", "line-bot-sdk", "hubspot-api-client", "orjson")


def program_version() -> str:
    """The installed version of friendstream."""
    return version("friendstream")


@click.command("version")
@json_option
def command(as_json: bool) -> None:
    """The version of the program and of what it runs on."""
    parts = {name: version(name) for name in PARTS} | {"python": platform.python_version()}
    if as_json:
        print_json({"version": parts["friendstream"], "parts": parts})
    else:
        print_table(("part", "version"), list(parts.items()))
