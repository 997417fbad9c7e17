"""Small disks that can be filled, and ones that cannot be written: tmpfs mounts, which only root may make."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MEBIBYTE = 1024 * 1024
LEFT_BYTES = 32 * 1024


@contextlib.contextmanager
def small_disk(where: Path, megabytes: int, *, read_only: bool = False) -> Iterator[Path]:
    """A disk of that size at `where` while the block lasts; skips the test where it may not be made."""
    where.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0700" + (",ro" if read_only else "")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(where)], check=False, capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a small disk needs the right to mount: {made.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=False, capture_output=True)


def close_disk(disk: Path) -> None:
    """Nothing can be written there from now on."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


class Ballast:
    """A file that takes all the space that is left on a disk."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._file = disk / "ballast"

    def fill(self) -> None:
        """Take what is left now, but for a few KiB; may be called again."""
        with self._file.open("ab") as file:
            while (left := shutil.disk_usage(self._disk).free - LEFT_BYTES) > 0:
                begin = os.fstat(file.fileno()).st_size
                with contextlib.suppress(OSError):  # others write at the same time
                    os.posix_fallocate(file.fileno(), begin, min(left, 64 * MEBIBYTE))

    def free(self) -> None:
        """Give everything back."""
        self._file.unlink(missing_ok=True)
