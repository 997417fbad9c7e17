"""The demo's invented people go with the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

from cli import demo


class Lived:
    """A demo whose world has left something in its directory."""

    interrupted = False
    homes: ClassVar[list[Path]] = []

    def __init__(self, home: Path, **_: Any) -> None:
        self.homes.append(home)
        (home / "kafka").mkdir()
        (home / "kafka" / "log").write_text("hello")

    async def run(self) -> int:
        return 0


@pytest.mark.parametrize(("options", "kept"), [([], False), (["--keep"], True)])
def test_the_demo_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, options: list[str], kept: bool) -> None:
    monkeypatch.setattr(demo, "_Demo", Lived)
    assert CliRunner().invoke(demo.command, ["--headless", *options]).exit_code == 0
    home = Lived.homes[-1]
    assert home.exists() == kept
    if kept:
        (home / "kafka" / "log").unlink()
        (home / "kafka").rmdir()
        home.rmdir()
