"""`schemas export`: what is on the wire, for others to build on."""

from pathlib import Path

import click

from cli.output import json_option, print_json, talk
from schemas.export import export


@click.group("schemas")
def command() -> None:
    """JSON Schemas of every record and one AsyncAPI document."""


@command.command("export")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@json_option
def export_verb(directory: Path, as_json: bool) -> None:
    """Write the JSON Schemas and the AsyncAPI document into DIRECTORY."""
    written = export(directory)
    if as_json:
        print_json({"files": [str(file) for file in written]})
    else:
        talk(f"{len(written)} files written to {directory}")
