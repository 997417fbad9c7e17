"""A disk in memory that fails and crashes as told: what was not synced may be there afterwards, in part, or not."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class File:
    now: bytearray = field(default_factory=bytearray)
    durable: bytes = b""


@dataclass
class BreakingDisk:
    """`faults` maps an operation to what it does instead, once each: `disk.faults["sync"] = fail(errno.EIO)`."""

    files: dict[str, File] = field(default_factory=dict)
    durable_names: set[str] = field(default_factory=set)
    capacity: int | None = None
    faults: dict[str, Callable[[], None]] = field(default_factory=dict)
    syncs: int = 0

    def prepare(self) -> None:
        self._fault("prepare")

    def names(self) -> list[str]:
        return sorted(self.files)

    def create(self, name: str) -> None:
        self._fault("create")
        assert name not in self.files
        self.files[name] = File()

    def write(self, name: str, offset: int, data: bytes) -> None:
        self._fault("write")
        now = self.files[name].now
        room = len(data)
        if self.capacity is not None:
            grows = max(0, offset + len(data) - len(now))
            room = len(data) - max(0, self.used() + grows - self.capacity)
        if room > 0:
            now.extend(bytes(max(0, offset - len(now))))
            now[offset : offset + room] = data[:room]
        if room < len(data):
            raise OSError(errno.ENOSPC, "no space")

    def read(self, name: str, offset: int, size: int) -> bytes:
        self._fault("read")
        return bytes(self.files[name].now[offset : offset + size])

    def size(self, name: str) -> int:
        return len(self.files[name].now)

    def truncate(self, name: str, size: int) -> None:
        self._fault("truncate")
        del self.files[name].now[size:]

    def sync(self, name: str) -> None:
        self._fault("sync")
        self.syncs += 1
        self.files[name].durable = bytes(self.files[name].now)

    def sync_directory(self) -> None:
        self._fault("sync_directory")
        self.durable_names = set(self.files)

    def remove(self, name: str) -> None:
        self._fault("remove")
        self.files.pop(name, None)

    def close(self) -> None:
        pass

    def used(self) -> int:
        return sum(len(file.now) for file in self.files.values())

    def crashed(self, choose: Callable[[int], int]) -> BreakingDisk:
        """The disk after a crash: `choose(n)` picks 0..n, of the bytes that were not synced, how many are there."""
        after = BreakingDisk()
        for name, file in self.files.items():
            if name not in self.durable_names and not choose(1):
                continue
            if not bytes(file.now).startswith(file.durable):
                content = bytes(file.now) if choose(1) else file.durable  # written in place, or cut
            else:
                content = bytes(file.now[: len(file.durable) + choose(len(file.now) - len(file.durable))])
            after.files[name] = File(bytearray(content), content)
        after.durable_names = set(after.files)
        return after

    def _fault(self, operation: str) -> None:
        fault = self.faults.pop(operation, None)
        if fault is not None:
            fault()


def fail(code: int) -> Callable[[], None]:
    def raise_it() -> None:
        raise OSError(code, "broken")

    return raise_it
