"""Which offsets are done.

Law: an offset is committed only when everything before it in its partition is done, in whatever order that happened.
"""

from __future__ import annotations

from collections.abc import Mapping


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

    def done(self, partition: int, offset: int) -> None:
        """A record needs nothing more; unknown ones (of a partition given up meanwhile) are ignored."""
        self._open.get(partition, {}).pop(offset, None)

    def committable(self) -> dict[int, int]:
        """The next offset to read by partition, where it has moved since `committed`."""
        found = {partition: self._first(partition) for partition in self._next}
        return {partition: offset for partition, offset in found.items() if offset > self._committed.get(partition, -1)}

    def committed(self, offsets: Mapping[int, int]) -> None:
        """These offsets are safe."""
        for partition, offset in offsets.items():
            if partition in self._next:
                self._committed[partition] = max(offset, self._committed.get(partition, -1))

    def clear(self) -> None:
        """Forget all partitions: they are another owner's now."""
        self._open.clear()
        self._next.clear()
        self._committed.clear()

    def _first(self, partition: int) -> int:
        return next(iter(self._open[partition]), self._next[partition])
