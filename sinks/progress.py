"""Which offsets are done.

Law: an offset is committed only when everything before it in its partition is done, in whatever order that happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GIVEN_UP: Final = "given_up"  # taken in and not done when the partition went: its next owner takes it in again


class Progress:
    """The open offsets of each partition, and what may be committed."""

    def __init__(self) -> None:
        self._open: dict[int, dict[int, None]] = {}
        self._next: dict[int, int] = {}
        self._committed: dict[int, int] = {}

    def taken(self, partition: int, offset: int) -> None:
        """A record is being worked on; offsets of one partition come ascending."""
        self._open.setdefault(partition, {})[offset] = None
        self._next[partition] = offset + 1

    def done(self, partition: int, offset: int) -> bool:
        """A record needs nothing more; False for an unknown one, whose partition was given up meanwhile."""
        known = self._open.get(partition, {})
        if offset not in known:
            return False
        del known[offset]
        return True

    def committable(self) -> dict[int, int]:
        """The next offset to read by partition, where it has moved since `committed`."""
        found = {partition: self._first(partition) for partition in self._next}
        return {partition: offset for partition, offset in found.items() if offset > self._committed.get(partition, -1)}

    def committed(self, offsets: Mapping[int, int]) -> None:
        """These offsets are safe."""
        for partition, offset in offsets.items():
            if partition in self._next:
                self._committed[partition] = max(offset, self._committed.get(partition, -1))

    def clear(self) -> int:
        """Forget all partitions, they are another owner's now; returns how many records were open."""
        given_up = sum(map(len, self._open.values()))
        self._open.clear()
        self._next.clear()
        self._committed.clear()
        return given_up

    def _first(self, partition: int) -> int:
        return next(iter(self._open[partition]), self._next[partition])
