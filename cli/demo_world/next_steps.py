"""What to type after the scoreboard: commands that work as they stand."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape


def write_environment(path: Path, settings: Mapping[str, str]) -> Path:
    """Write the world's settings as a file for `.` of a shell, readable by its owner only."""
    path.touch(mode=0o600)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def what_to_type(environment: Path | None, friend: str, ready: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Three commands, each after a sentence of what it shows; without a world that stays, those that begin one."""
    if environment is None:
        return [
            ("the same in a terminal: the world stays, for you to look around", f"{program()} demo"),
            ("what is missing to run it with your LINE account and your HubSpot", f"{program()} check"),
            ("run it", f"{program()} up --help"),
        ]
    load = f". {shlex.quote(str(environment))} && {program()}"
    return [
        ("why her contact is what it is", f"{load} why {friend}"),
        ("HubSpot against the fold, once more", f"{load} verify"),
        (f"how things stand; her page is {ready['web']}/friends/{friend}", f"{load} status"),
    ]


def print_next(commands: Sequence[tuple[str, str]], console: Console) -> None:
    """Print them so that each can be copied as one line."""
    console.print("[bold]Type next[/]")
    for sentence, command in commands:
        console.print(f"  [dim]# {escape(sentence)}[/]", highlight=False, soft_wrap=True)
        console.print(f"  {escape(command)}", highlight=False, soft_wrap=True)


def program() -> str:
    """How the program is called from here."""
    script = Path(sys.executable).with_name("friendstream")
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m cli.main"
    here = Path.cwd()
    return shlex.quote(str(script.relative_to(here) if script.is_relative_to(here) else script))
