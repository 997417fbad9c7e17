"""The one directory of the spool, as few operations as it needs.

Law: every call may block for as long as the disk likes and raises OSError; nothing is durable before `sync` of the file
and `sync_directory` after it was made.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Files in one directory, by name; the tests put one in its place that breaks."""

    def prepare(self) -> None:
        """Make the directory, durably, when it is missing, and have it alone."""

    def names(self) -> list[str]:
        """The files there are."""

    def create(self, name: str) -> None:
        """Make an empty file that did not exist."""

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Write all of it at the offset; after an OSError a part may be written."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        """At most `size` bytes, fewer only at the end of the file."""

    def size(self, name: str) -> int:
        """The length of the file in bytes."""

    def truncate(self, name: str, size: int) -> None:
        """Cut the file."""

    def sync(self, name: str) -> None:
        """Return when what was written is on the disk."""

    def sync_directory(self) -> None:
        """Return when files made and removed are so on the disk."""

    def remove(self, name: str) -> None:
        """Delete the file; one that is gone is fine."""

    def close(self) -> None:
        """Give back what is open."""


class InUse(OSError):
    """Another process has the directory."""


class Directory:
    """A real directory; files are readable by their owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[str, int] = {}
        self._lock: int | None = None

    def prepare(self) -> None:
        if not self._path.is_dir():
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_directory(self._path.parent)
        if self._lock is None:
            self._lock = self._locked()

    def _locked(self) -> int:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise InUse(errno.EBUSY, "another process has the spool") from None
        return descriptor

    def names(self) -> list[str]:
        return sorted(entry.name for entry in os.scandir(self._path) if entry.is_file())

    def create(self, name: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._open[name] = os.open(self._path / name, flags, 0o600)

    def write(self, name: str, offset: int, data: bytes) -> None:
        descriptor, left = self._descriptor(name), memoryview(data)
        while left:
            written = os.pwrite(descriptor, left, offset)
            left, offset = left[written:], offset + written

    def read(self, name: str, offset: int, size: int) -> bytes:
        descriptor, parts = self._descriptor(name), []
        while size:
            part = os.pread(descriptor, size, offset)
            if not part:
                break
            parts.append(part)
            size, offset = size - len(part), offset + len(part)
        return b"".join(parts)

    def size(self, name: str) -> int:
        return (self._path / name).stat().st_size

    def truncate(self, name: str, size: int) -> None:
        os.ftruncate(self._descriptor(name), size)

    def sync(self, name: str) -> None:
        os.fdatasync(self._descriptor(name))

    def sync_directory(self) -> None:
        _sync_directory(self._path)

    def remove(self, name: str) -> None:
        (self._path / name).unlink(missing_ok=True)
        descriptor = self._open.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _descriptor(self, name: str) -> int:
        found = self._open.get(name)
        if found is None:
            found = self._open[name] = self._opened(self._path / name)
        return found

    def _opened(self, path: Path) -> int:
        try:
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # a directory that can only be read can still be drained
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
