"""What to type after the scoreboard: commands that work as they stand."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

SENTENCES = {
    "why": "why her contact is what it is",
    "verify": "HubSpot against the fold, once more",
    "status": "how things stand",
}


def write_environment(path: Path, settings: Mapping[str, str]) -> Path:
    """Write the world's settings as a file for `.` of a shell, readable by its owner only."""
    path.touch(mode=0o600)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def what_to_type(environment: Path | None, friend: str, ready: Mapping[str, Any]) -> Table:
    """Three commands and what each shows; without a world that stays, those that begin one."""
    if environment is None:
        rows = [
            (f"{program()} demo", "the same in a terminal: the world stays, for you to look around"),
            (f"{program()} check", "what is missing to run it with your LINE account and HubSpot"),
            (f"{program()} up --help", "run it"),
        ]
    else:
        load = f". {shlex.quote(str(environment))} && {program()}"
        rows = [
            (f"{load} why {friend}", SENTENCES["why"]),
            (f"{load} verify", SENTENCES["verify"]),
            (f"{load} status", SENTENCES["status"]),
            (f"{ready['web']}/friends/{friend}", "or look at her page"),
        ]
    table = Table(title="Type next", title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    for command, sentence in rows:
        table.add_row(command, sentence)
    return table


def program() -> str:
    """How the program is called from here."""
    script = Path(sys.executable).with_name("friendstream")
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m cli.main"
    here = Path.cwd()
    return shlex.quote(str(script.relative_to(here) if script.is_relative_to(here) else script))
