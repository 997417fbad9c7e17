"""What a law is here: a sentence, what breaks without it, the test that sees it broken, and how it is switched off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Edit:
    """One place of the code, as it stands in `path` exactly once, and what stands there without the law.

    An empty `old` appends `new` to the file.
    """

    path: str
    old: str
    new: str

    def found(self, root: Path) -> int:
        """How often the place is there."""
        return (root / self.path).read_text().count(self.old) if self.old else 1

    def applied(self, text: str) -> str:
        return text.replace(self.old, self.new) if self.old else text + self.new


@dataclass(frozen=True)
class Law:
    """`test` is a pytest node, or a command after `$ `, relative to the root of the project."""

    name: str
    says: str
    without: str
    test: str
    edits: tuple[Edit, ...]
    hangs: bool = False  # without the law the test may wait for ever: that counts as seen

    @property
    def command(self) -> list[str] | None:
        return self.test.removeprefix("$ ").split() if self.test.startswith("$ ") else None


@dataclass(frozen=True)
class Chapter:
    """The laws of one room."""

    title: str
    laws: tuple[Law, ...]


def law(name: str, says: str, without: str, test: str, *edits: Edit, hangs: bool = False) -> Law:
    return Law(name, says, without, test, edits, hangs)
