"""docs/data.md is kept true: each row's test exists, and no topic is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas import topics

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "data.md"
PLACES = (
    "memory", "rocksdb", "spool", "snapshot", "HubSpot", "logs", "metrics", "run documents", "Kafka's files",
    "`topics tail`", "backups", "demo", "sinks",
)  # fmt: skip


def rows() -> list[list[str]]:
    """The cells of the table, without its head."""
    part = PAGE.read_text(encoding="utf-8").partition("## The table")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_row_says_everything_and_its_test_exists(row: list[str]) -> None:
    assert len(row) == 5
    assert all(row)
    named = re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", row[-1])
    assert named is not None, row[-1]
    path, test = named.groups()
    assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), row[-1]


def test_every_topic_has_a_row() -> None:
    named = {name for row in rows() for name in re.findall(r"^topic `([\w.]+)`$", row[0])}
    assert named == {topic.name for topic in topics.ALL}


def test_every_other_place_has_a_row() -> None:
    first = " ".join(row[0] for row in rows())
    assert [place for place in PLACES if place not in first] == []
