"""How far a partition may be committed.

Law: never past a record that was not acknowledged, counted from where reading really started. Runs of one partition
follow each other without a hole, because the fold's sources are cleaned by deletion only and never written in
transactions: a hole is a run that was fetched and thrown away, and going on would lose it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

Place = TypeVar("Place")


class Hole(Exception):
    """An acknowledged run does not begin where the last one ended."""


class Watermark(Generic[Place]):
    """Acknowledged runs by partition; before `begin` and after `forget` nothing may be committed."""

    def __init__(self) -> None:
        self._ends: dict[Place, int] = {}
        self._runs: dict[Place, list[tuple[int, int]]] = {}

    def begin(self, starts: Mapping[Place, int]) -> None:
        """Reading starts at these offsets, and nothing is in hand."""
        self._ends = dict(starts)
        self._runs = {}

    def forget(self) -> None:
        """The partitions may be gone: what finishes from now on is read again by whoever gets them."""
        self._ends = {}
        self._runs = {}

    def acknowledge(self, place: Place, first: int, after: int) -> None:
        """A run is done: `first` = offset of its first record, `after` = offset behind its last."""
        self._runs.setdefault(place, []).append((first, after))

    def advance(self, place: Place) -> int | None:
        """The offset to commit, None where reading has not begun; raises Hole."""
        end = self._ends.get(place)
        if end is None:
            return None
        for first, after in sorted(self._runs.pop(place, ())):
            if first > end:
                raise Hole(f"{place}: {end} to {first} was never handled")
            end = max(end, after)
        self._ends[place] = end
        return end

    def handled(self) -> dict[Place, int]:
        """The offset behind the last record that is done, by partition; holes are not looked for."""
        runs = self._runs
        return {place: max([end, *(after for _, after in runs.get(place, ()))]) for place, end in self._ends.items()}
