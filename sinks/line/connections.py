"""Whom the sink may speak for.

Law: nothing is sent to LINE for a connection that is paused, removed, or unknown. One that is unknown may be newer than
our view: it is waited for a moment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from schemas.connections import ConnectionRecord

Silent = Literal["connection_unknown", "connection_removed", "connection_paused", "connection_draft"]
_LOOKS, _LOOK_AGAIN = 12, 0.25


class Records(Protocol):
    """The registry's view, as far as it is needed here."""

    def get(self, number: int, /) -> ConnectionRecord | None: ...


async def speaking(
    records: Records, number: int, pause: Callable[[float], Awaitable[None]]
) -> ConnectionRecord | Silent:
    """The connection, or why nothing may be sent for it."""
    record = records.get(number)
    for _ in range(_LOOKS):
        if record is not None:
            break
        await pause(_LOOK_AGAIN)
        record = records.get(number)
    if record is None:
        return "connection_unknown"
    if record.status == "removed":
        return "connection_removed"
    if record.status == "paused":
        return "connection_paused"
    if record.status == "draft":
        return "connection_draft"
    return record
