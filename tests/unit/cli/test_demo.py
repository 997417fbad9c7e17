"""The verb's own rules, without starting a world."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.demo import command
from runtime.refusal import USAGE, Refusal


def test_a_directory_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """The demo never mixes with what is there: it says where and what to do."""
    (tmp_path / "precious").touch()
    with pytest.raises(Refusal, match="empty directory") as refused:
        CliRunner().invoke(command, ["--headless", "--data-dir", str(tmp_path)], catch_exceptions=False)
    assert refused.value.exit_code == USAGE
    assert [file.name for file in tmp_path.iterdir()] == ["precious"]


def test_a_story_of_one_friend_alone_is_refused() -> None:
    """There must be a friend besides Mari."""
    assert CliRunner().invoke(command, ["--friends", "1"]).exit_code == USAGE
