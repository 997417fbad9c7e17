"""The HubSpot sink as a process.

Law: trouble with HubSpot never ends the process: it is said in the role's document, the metrics and the log, and waited
out. What ends it: SIGTERM, a token of another portal or a vanished offset (78), trouble with Kafka.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from clients.hubspot.contacts import ContactsApi, open_session
from clients.hubspot.properties import PropertiesApi
from registry.log import Registry
from registry.portal import decide, keep_portal
from registry.view import ConnectionsView
from runtime.clock import now_ms
from runtime.health import Health
from runtime.metrics import Metrics
from runtime.process import run_document_path, write_document
from runtime.settings import Settings
from sinks.hubspot.portal import NotSetUp, Portal
from sinks.hubspot.sink import HubSpotSink

ROLE = "hubspot"
_LOOK_SECONDS = 0.2

Numbers = frozenset[int]


async def run(settings: Settings, brokers: str, stop: asyncio.Event) -> None:
    """Write changes to HubSpot until `stop` is set; Refusal 69 or 78."""
    metrics = Metrics(ROLE)
    async with _view(brokers) as view, open_session(settings.ca_file) as session:
        token = None if settings.hubspot_token is None else settings.hubspot_token.reveal()
        api = None if token is None else ContactsApi(settings.hubspot_api_url, token, session)
        portal = Portal(
            api,
            check_portal=_check_portal(brokers, view),
            ensure_properties=_ensure_properties(settings, token),
            removed=lambda: frozenset(record.number for record in view.all() if record.status == "removed"),
            held=lambda: held.at if (held := view.sink_paused("hubspot")) is not None else None,
        )
        sink = HubSpotSink(settings, brokers, portal, metrics)
        health = Health(lambda: sink.ready, metrics.render)
        url = await health.start(settings.health_bind)
        telling = asyncio.create_task(_tell(settings, sink, metrics, url))
        try:
            await sink.run(stop)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            _write(settings, _document(sink, url, ready=False))
            await health.stop()


def _check_portal(brokers: str, view: ConnectionsView) -> Callable[[int], Awaitable[None]]:
    async def check(portal_id: int) -> None:
        if view.portal is None:
            await keep_portal(Registry(brokers), portal_id)
        else:
            decide(view.portal, portal_id, now_ms())

    return check


def _ensure_properties(settings: Settings, token: str | None) -> Callable[[Numbers], Awaitable[None]]:
    async def ensure(numbers: Numbers) -> None:
        api = PropertiesApi(settings.hubspot_api_url, token or "", ca_file=settings.ca_file)
        report = await api.ensure_connection_properties(sorted(numbers))
        if report.wrong:
            raise NotSetUp("property_wrong", "; ".join(str(wrong) for wrong in report.wrong))

    return ensure


async def _tell(settings: Settings, sink: HubSpotSink, metrics: Metrics, url: str) -> None:
    """Keep the role's document true: ready, and paused with its reason."""
    told: dict[str, Any] | None = None
    while True:
        document = _document(sink, url, ready=sink.ready)
        metrics.gauge("paused", 1 if "paused" in document else 0)
        if document != told:
            with contextlib.suppress(OSError):  # a full disk: told as soon as there is room
                _write(settings, document | ({"since": now_ms()} if "paused" in document else {}))
                told = document
        await asyncio.sleep(_LOOK_SECONDS)


def _document(sink: HubSpotSink, url: str, *, ready: bool) -> dict[str, Any]:
    document: dict[str, Any] = {"role": ROLE, "pid": os.getpid(), "ready": ready, "url": url}
    if sink.paused is not None:
        document |= {"paused": sink.paused.code, "reason": sink.paused.sentence}
    if (walk := sink.last_walk) is not None:
        document["sweep"] = {"ended_at": walk.ended_at, "seconds": walk.seconds, "friends": walk.friends}
    return document


def _write(settings: Settings, document: dict[str, Any]) -> None:
    write_document(run_document_path(settings, ROLE), document)


@contextlib.asynccontextmanager
async def _view(brokers: str) -> AsyncIterator[ConnectionsView]:
    view = ConnectionsView(brokers)
    await view.start()
    try:
        yield view
    finally:
        await view.stop()
