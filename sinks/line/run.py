"""The LINE sink as a process; it also looks again at connections that wait for LINE or HubSpot.

Law: trouble with LINE never ends the process. What ends it: SIGTERM, a vanished offset, another portal's token or
another SECRET_KEY (78), trouble with Kafka.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from clients.line import LineApi
from registry.connect import Connector
from registry.log import Registry
from registry.property_setup import ensurer
from registry.reconcile import reconcile
from registry.tokens import TokenSource
from registry.view import ConnectionsView
from runtime.clock import now_ms, random_source
from runtime.health import Health
from runtime.lease import Lease
from runtime.metrics import Metrics
from runtime.process import run_document_path, write_document
from runtime.sealing import SealingKey
from runtime.settings import Settings
from schemas.cloud_events import rfc3339
from sinks.line.calls import LineCalls
from sinks.line.messages import Messages
from sinks.line.profiles import Profiles
from sinks.line.sink import LineSink

ROLE: Final = "line"
_LOOK_SECONDS = 0.2


async def run(settings: Settings, brokers: str, stop: asyncio.Event) -> None:
    """Answer requests until `stop` is set; Refusal 69 or 78."""
    metrics, key = Metrics(ROLE), SealingKey.load(settings)
    async with ConnectionsView(brokers) as view, LineApi(settings.line_api_url, ca_file=settings.ca_file) as line:
        sink = make_sink(settings, brokers, line, view, key, metrics)
        health = Health(lambda: sink.ready, metrics.render)
        url = await health.start(settings.health_bind)
        registry = Registry(brokers)
        connector = Connector(registry, line, key, ensurer(settings, registry), settings)
        telling = asyncio.create_task(_tell(settings, sink, view, metrics, url))
        beside = [asyncio.create_task(reconcile(connector, view)), telling]
        working = asyncio.create_task(sink.run(stop))
        try:
            done, _ = await asyncio.wait({working, *beside}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*beside, working):
                task.cancel()
            await asyncio.gather(*beside, working, return_exceptions=True)
            _write(settings, _document(view, url, ready=False))
            await health.stop()


def make_sink(
    settings: Settings, brokers: str, line: LineApi, view: ConnectionsView, key: SealingKey, metrics: Metrics
) -> LineSink:
    """Put the sink together."""
    lease, chance = Lease(settings.session_seconds), random_source().random
    calls = LineCalls(
        tokens=TokenSource(line, key), lease=lease, metrics=metrics, held=lambda: view.sink_paused(ROLE) is not None
    )
    profiles = Profiles(line, calls, view, chance=chance)
    messages = Messages(line, calls, view, chance=chance)
    return LineSink(settings, brokers, lease, profiles, messages, metrics)


async def _tell(settings: Settings, sink: LineSink, view: ConnectionsView, metrics: Metrics, url: str) -> None:
    """Keep the role's document true: ready, and paused with its reason."""
    told: dict[str, Any] | None = None
    while True:
        document = _document(view, url, ready=sink.ready)
        metrics.gauge("paused", 1 if "paused" in document else 0)
        if told != document:
            _write(settings, document | ({"since": now_ms()} if "paused" in document else {}))
            told = document
        await asyncio.sleep(_LOOK_SECONDS)


def _document(view: ConnectionsView, url: str, *, ready: bool) -> dict[str, Any]:
    document = {"role": ROLE, "pid": os.getpid(), "ready": ready, "url": url}
    if (held := view.sink_paused(ROLE)) is not None:
        how = "`friendstream sink resume line` goes on"
        reason = f"an operator paused the sink at {rfc3339(held.at)}; {how}"
        document |= {"paused": "paused_by_operator", "reason": reason}
    return document


def _write(settings: Settings, document: dict[str, Any]) -> None:
    write_document(run_document_path(settings, ROLE), document)
