"""What the errors of a disk become."""

from __future__ import annotations

import errno

import pytest

from runtime.disk import disk_trouble
from runtime.refusal import MISCONFIGURED, UNAVAILABLE


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, UNAVAILABLE), (errno.EDQUOT, UNAVAILABLE), (errno.EROFS, MISCONFIGURED)],
)
def test_a_disk_that_takes_nothing_is_a_refusal_that_names_the_file(number: int, code: int) -> None:
    """Full: try again later. Closed: a person must change something."""
    refusal = disk_trouble(OSError(number, "says the system", "/somewhere/up.lock"))
    assert refusal is not None
    assert refusal.exit_code == code
    assert "/somewhere/up.lock" in str(refusal)


def test_other_errors_are_not_the_disk() -> None:
    """A refused connection, and a right that is missing without a file, stay what they are."""
    assert disk_trouble(ConnectionRefusedError(errno.ECONNREFUSED, "refused")) is None
    assert disk_trouble(PermissionError(errno.EACCES, "a port below 1024")) is None
