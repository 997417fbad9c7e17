"""What a step of the demo, or of a test on its world, says when it does not see what it must see."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from runtime.clock import monotonic

LOOK_SECONDS = 0.02


class NotSeenError(Exception):
    """Something expected did not happen; `where` names the logs."""

    def __init__(self, expected: str, seen: str, where: Path | str = "") -> None:
        super().__init__(f"expected {expected}; seen {seen}" + (f" (logs: {where})" if where else ""))
        self.expected = expected
        self.seen = seen
        self.where = str(where)


async def until(
    happened: Callable[[], bool], *, expected: str, seen: Callable[[], str], where: Path | str = "", timeout: float = 30
) -> None:
    """Look again and again until it happened; NotSeenError after `timeout` seconds."""
    deadline = monotonic() + timeout
    while not happened():
        if monotonic() > deadline:
            raise NotSeenError(f"{expected} within {timeout:.0f} s", seen(), where)
        await asyncio.sleep(LOOK_SECONDS)


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, or that there is none."""
    if not path.exists():
        return "no log was written"
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) or "an empty log"
