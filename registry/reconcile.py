"""Looking again at connections that wait for LINE, for HubSpot, or for a person.

Law: what could not be found out at the start is asked again until it is known, and nothing is written while
nothing changes.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from registry.connect import Connector
from registry.view import ConnectionsView
from runtime.logs import logger
from runtime.refusal import MISCONFIGURED, Refusal
from schemas.connections import ConnectionRecord

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 60.0
ATTENTION_SECONDS = 300.0  # a person has to act first; LINE allows 60 webhook tests an hour


class Pause(Protocol):
    """Waits for so many seconds."""

    async def __call__(self, seconds: float, /) -> None: ...


async def reconcile(connector: Connector, view: ConnectionsView, *, pause: Pause = asyncio.sleep) -> None:
    """Run until cancelled; Refusal 78 (another portal's token, another key) ends it."""
    seconds, since_attention = FIRST_SECONDS, 0.0
    while True:
        await pause(seconds)
        since_attention += seconds
        waiting = _with_status(view, "properties_pending")
        if since_attention >= ATTENTION_SECONDS:
            waiting += _with_status(view, "attention")
            since_attention = 0.0
        if not waiting:
            seconds = FIRST_SECONDS
            continue
        after = await _checked(connector, waiting)
        settled = [record for record in after if record.status == "connected"]
        for record in settled:
            logger(__name__).info("connection %d is connected now", record.number)
        seconds = FIRST_SECONDS if settled else min(seconds * 2, LONGEST_SECONDS)


def _with_status(view: ConnectionsView, status: str) -> list[ConnectionRecord]:
    return [record for record in view.all() if record.status == status]


async def _checked(connector: Connector, waiting: list[ConnectionRecord]) -> list[ConnectionRecord]:
    try:
        return await connector.check_all(waiting, seconds=LONGEST_SECONDS)
    except Refusal as refusal:
        if refusal.exit_code == MISCONFIGURED:
            raise
        logger(__name__).warning("connections cannot be checked: %s", refusal.what)
        return []
