"""What to type next: a file a shell can read, and commands that name it."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

from rich.console import Console

from cli.demo_world.next_steps import what_to_type, write_environment


def test_the_environment_file_is_private_and_a_shell_reads_it_as_it_was_meant(tmp_path: Path) -> None:
    settings = {"FRIENDSTREAM_DATA_DIR": "/tmp/a dir", "FRIENDSTREAM_HUBSPOT_TOKEN": "it's $HOME"}
    file = write_environment(tmp_path / "demo.env", settings)
    assert file.stat().st_mode & 0o777 == 0o600
    script = f'. {file}; printf "%s|%s" "$FRIENDSTREAM_DATA_DIR" "$FRIENDSTREAM_HUBSPOT_TOKEN"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "/tmp/a dir|it's $HOME"


def test_three_commands_name_the_world_that_stays(tmp_path: Path) -> None:
    page = io.StringIO()
    Console(file=page, width=300).print(what_to_type(tmp_path / "demo.env", "U1", {"web": "http://web"}))
    lines = page.getvalue().splitlines()
    assert sum(f". {tmp_path / 'demo.env'} && " in line for line in lines) == 3
    assert any("why U1" in line for line in lines)
    assert any("http://web/friends/U1" in line for line in lines)


def test_without_a_world_that_stays_the_commands_need_none() -> None:
    page = io.StringIO()
    Console(file=page, width=300).print(what_to_type(None, "U1", {}))
    assert "friendstream demo" in page.getvalue()
