"""The one error that ends a verb with an exit code.

Law: a refusal says what happened, where, and what to do next, in words a person can act on; it never quotes a secret,
a text or a full user id. Everything else that escapes a verb is a bug and exits with INTERNAL.
"""

from __future__ import annotations

from typing import Final

OK: Final = 0
NO: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
REFUSED: Final = 4
VENDOR_REFUSED: Final = 5
TIMED_OUT: Final = 6
UNAVAILABLE: Final = 69
INTERNAL: Final = 70
MISCONFIGURED: Final = 78


class Refusal(Exception):
    """Ends the verb with `exit_code`; `code` is a stable word for machines, the rest is for people."""

    def __init__(self, exit_code: int, code: str, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.exit_code = exit_code
        self.code = code
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"where: {self.where}")
        if self.next_step:
            lines.append(f"next:  {self.next_step}")
        return "\n".join(lines)
