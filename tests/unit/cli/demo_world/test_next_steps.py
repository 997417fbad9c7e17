"""What to type next: a file a shell can read, and commands that name it."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

from rich.console import Console

from cli.demo_world.next_steps import print_next, program, what_to_type, write_environment


def test_the_environment_file_is_private_and_a_shell_reads_it_as_it_was_meant(tmp_path: Path) -> None:
    settings = {"FRIENDSTREAM_DATA_DIR": "/tmp/a dir", "FRIENDSTREAM_HUBSPOT_TOKEN": "it's $HOME"}
    file = write_environment(tmp_path / "demo.env", settings)
    assert file.stat().st_mode & 0o777 == 0o600
    script = f'. {file}; printf "%s|%s" "$FRIENDSTREAM_DATA_DIR" "$FRIENDSTREAM_HUBSPOT_TOKEN"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "/tmp/a dir|it's $HOME"


def test_three_commands_name_the_world_that_stays(tmp_path: Path) -> None:
    """Each is one line to copy, in a narrow terminal too."""
    page = io.StringIO()
    environment = tmp_path / "demo.env"
    friend = f"U{'0' * 32}"
    print_next(what_to_type(environment, friend, {"web": "http://web"}), Console(file=page, width=40))
    commands = [line.strip() for line in page.getvalue().splitlines() if line.strip().startswith(".")]
    begin = f". {environment} && {program()}"
    assert commands == [f"{begin} why {friend}", f"{begin} verify", f"{begin} status"]
    assert f"http://web/friends/{friend}" in page.getvalue()


def test_without_a_world_that_stays_the_commands_need_none() -> None:
    commands = [command for _, command in what_to_type(None, "U1", {})]
    assert commands == [f"{program()} demo", f"{program()} check", f"{program()} up --help"]
