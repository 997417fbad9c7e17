"""docs/laws.md, generated from the laws.

Law: the page is what the code says; `make sabotage ARGS=--write` writes it, and a test compares it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.sabotage.codebook import CHAPTERS
from tests.sabotage.law import ROOT, Law

PAGE = ROOT / "docs" / "laws.md"
_HEAD = """\
# Laws

What must always hold, what breaks without it, and the test that sees it. `make sabotage` switches each law off in a
copy of the code, by changing the one or two lines that keep it, and runs its test there: the test has to fail, and it
has to pass on the code as it is. A law that no test misses ends the run with 1. `make sabotage ARGS="--law NAME"`
repeats one, `ARGS=--list` shows the lines that are changed. Written by `make sabotage ARGS=--write`; {count} laws.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD.format(count=sum(len(chapter.laws) for chapter in CHAPTERS))
    for chapter in CHAPTERS:
        yield f"## {chapter.title}\n"
        yield "| law | without it | seen by |"
        yield "|---|---|---|"
        for law in chapter.laws:
            yield f"| **{law.name}**: {_cell(law.says)} | {_cell(law.without)} | {_test(law)} |"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _test(law: Law) -> str:
    if law.command is not None:
        return f"`{' '.join(law.command)}`"
    path, _, name = law.test.partition("::")
    return f"[`{name}`](../{path})"
