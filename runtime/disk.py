"""What a disk that takes nothing means for the program.

Law: a full disk is waited out (69, a supervisor tries again), one that may not be written is a setting (78).
"""

from __future__ import annotations

import errno
from typing import Final

from runtime.refusal import MISCONFIGURED, UNAVAILABLE, Refusal

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def disk_trouble(error: OSError) -> Refusal | None:
    """The refusal that says what the disk did to us; None when it was not the disk."""
    if error.errno in _FULL:
        return Refusal(
            UNAVAILABLE,
            "disk_full",
            "The disk is full; nothing can be written.",
            where=str(error.filename or "where this process writes, below FRIENDSTREAM_DATA_DIR"),
            next_step="free some space, or move FRIENDSTREAM_DATA_DIR; what was acknowledged is kept",
        )
    if error.errno in _CLOSED and error.filename is not None:
        return Refusal(
            MISCONFIGURED,
            "not_writable",
            f"A file cannot be used: {error.strerror}.",
            where=str(error.filename),
            next_step="let this user write there, or give FRIENDSTREAM_DATA_DIR a directory that can be written",
        )
    return None
