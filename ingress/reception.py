"""One webhook: from the request to its answer.

Law: 200 means that every event is safe. The answer comes within the deadline, for LINE gives up after 2 s and does not
send again by default; what could not be made safe in time is answered 503, though its records may still land.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from ingress.append import Append, Unavailable
from ingress.connections import Connections, LiveConnection, SecretsClosed
from ingress.records import RecordMaker
from ingress.room import NoRoom, Room
from ingress.spool.spool import SpoolRefused
from ingress.tally import Stage, Tally
from ingress.webhook import RawWebhook, SignatureWrong, VerifiedWebhook
from runtime.clock import now_ms

SIGNATURE = "x-line-signature"
_UNKNOWN_LENGTH = 64 * 1024  # what a chunked body counts until it is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may cost: seconds to the answer, bytes of its body; and how many at a time."""

    deadline: float = 1.1  # so that the answer is out within 1.2 s
    body_bytes: int = 2 * 1024 * 1024
    requests: int = 1024
    bytes_in_flight: int = 32 * 1024 * 1024
    retry_after: int = 1


class Publisher:
    """Makes the events of a verified webhook safe: there is no other way into the log."""

    def __init__(self, make: RecordMaker, append: Append, tally: Tally) -> None:
        self._make = make
        self._append = append
        self._tally = tally

    async def publish(self, webhook: VerifiedWebhook, connection: LiveConnection) -> None:
        """Append a record for each event and return when all are safe; raises Unavailable or NoRoom."""
        harvest = self._make.harvest(webhook, connection.bot_user_id)
        self._tally.received(harvest.received)
        try:
            await self._append.append(harvest.records)
        except BaseException:  # the deadline too
            self._tally.not_taken(harvest.received)
            raise
        self._tally.appended(harvest)


class Reception:
    """Answers `POST /line/{number}`."""

    def __init__(
        self, connections: Connections, publisher: Publisher, room: Room, tally: Tally, limits: Limits
    ) -> None:
        self._connections = connections
        self._publisher = publisher
        self._room = room
        self._tally = tally
        self._limits = limits

    async def receive(self, request: web.Request) -> web.Response:
        """200, 401 (signature), 404 (no such connection), 413 (too large), 503 with Retry-After; 400 if cut short."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        status = await self._status(request, began + self._limits.deadline)
        self._tally.answered(status, loop.time() - began)
        if status == 503:
            return web.Response(status=503, headers={"Retry-After": str(self._limits.retry_after)})
        return web.Response(status=status)

    async def _status(self, request: web.Request, deadline: float) -> int:
        try:
            connection = self._connections.get(int(request.match_info["number"]))
        except SecretsClosed:
            return self._failed(503, "sealed")
        if connection is None:
            return self._failed(404, "unknown")
        signature = request.headers.get(SIGNATURE)
        if signature is None:
            return self._failed(401, "signature")
        size = request.content_length
        if size is not None and size > self._limits.body_bytes:
            return self._failed(413, "too_large")
        try:
            with self._room.occupied(_UNKNOWN_LENGTH if size is None else size):
                async with asyncio.timeout_at(deadline):
                    return await self._take_in(request, connection, signature)
        except NoRoom:
            return self._failed(503, "overload")
        except TimeoutError:
            return self._failed(503, "deadline")

    async def _take_in(self, request: web.Request, connection: LiveConnection, signature: str) -> int:
        received_at = now_ms()
        try:
            body = await request.read()
            raw = RawWebhook(connection.number, received_at, body, signature)
            await self._publisher.publish(VerifiedWebhook(raw, connection.signers), connection)
        except SignatureWrong:
            return self._failed(401, "signature")
        except web.HTTPRequestEntityTooLarge:
            return self._failed(413, "too_large")
        except (web.RequestPayloadError, ConnectionError):
            return self._failed(400, "broken_off")
        except SpoolRefused:
            return self._failed(503, "spool_refused")
        except Unavailable:
            return self._failed(503, "append")
        return 200

    def _failed(self, status: int, stage: Stage) -> int:
        self._tally.failed(stage)
        return status
