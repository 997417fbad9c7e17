"""`/flow`, `/api/v1/flow`, `/api/v1/status`, `/livez /readyz /metrics`: how the worker is doing. No personal data.

Law: a stream ends when the application shuts down, else SIGTERM would wait for every open browser.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import Final

import orjson
from aiohttp import web

from processors.flow import FlowSnapshot
from runtime.metrics import CONTENT_TYPE
from web.language import Texts
from web.markup import Markup, render, text_of
from web.protocols import FriendRows

CLOSING: Final = web.AppKey("closing", asyncio.Event)
EVERY_SECONDS = 1.0
NUMBERS = (
    "received", "sent", "rate", "in_flight", "changes", "requests", "runs", "rows", "overruled",
    "recovered_rows", "recovery_seconds", "uptime_seconds",
)  # fmt: skip


class FlowViews:
    """The handlers."""

    def __init__(self, rows: FriendRows, texts: Texts) -> None:
        self._rows = rows
        self._texts = texts

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers answer."""
        return [
            web.get("/livez", self.alive),
            web.get("/readyz", self.ready),
            web.get("/metrics", self.metrics),
            web.get("/", self.home),
            web.get("/flow", self.page),
            web.get("/flow/events", self.events),
            web.get("/api/v1/flow", self.flow),
            web.get("/api/v1/status", self.status),
        ]

    async def alive(self, _request: web.Request) -> web.Response:
        """The event loop answers."""
        return web.json_response({"alive": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when the table is recovered and partitions are assigned, else 503."""
        ready = self._rows.ready()
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """All counters for Prometheus."""
        return web.Response(body=self._rows.metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def home(self, _request: web.Request) -> web.Response:
        """The first page."""
        words = {name: self._texts[name] for name in ("home", "home_lead", "find_friend", "find")}
        return _page(self._texts["home"], render("home", **words))

    async def page(self, _request: web.Request) -> web.Response:
        """The numbers for people; a script keeps them current."""
        numbers = numbers_of(self._rows.flow())
        content = render("flow", flow=self._texts["flow"], flow_lead=self._texts["flow_lead"], numbers=numbers)
        return _page(f"{self._texts['flow']} · friendstream", content)

    async def flow(self, _request: web.Request) -> web.Response:
        """The numbers for programs."""
        return web.Response(body=_json(self._rows.flow()), content_type="application/json")

    async def status(self, _request: web.Request) -> web.Response:
        """Is this worker well?"""
        flow = self._rows.flow()
        return web.json_response(
            {
                "role": "fold",
                "pid": os.getpid(),
                "ready": flow.ready,
                "partitions": list(flow.partitions),
                "lag": dict(flow.lag),
                "in_flight": flow.in_flight,
                "uptime_seconds": round(flow.uptime_seconds, 1),
            }
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The numbers as server-sent events, until the browser or the worker goes."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        closing = request.app[CLOSING]
        while not closing.is_set():
            await response.write(b"data: %b\n\n" % _json(self._rows.flow()))
            try:
                await asyncio.wait_for(closing.wait(), EVERY_SECONDS)
            except TimeoutError:
                continue
        return response


def numbers_of(flow: FlowSnapshot) -> Markup:
    """A list of names and values; each value says where the script finds its successor."""
    values: dict[str, object] = dataclasses.asdict(flow)
    pairs = [(name.replace("_", " "), name, values.get(name, 0)) for name in NUMBERS]
    pairs += [(f"lag {topic}", f"lag/{topic}", behind) for topic, behind in sorted(flow.lag.items())]
    pairs += [(f"discarded {reason}", f"discarded/{reason}", n) for reason, n in sorted(flow.discarded.items())]
    cells = "".join(
        f'<dt>{text_of(name)}</dt><dd data-number="{text_of(path)}">{text_of(_rounded(value))}</dd>'
        for name, path, value in pairs
    )
    return Markup(f"<dl>{cells}</dl>")


def _rounded(value: object) -> object:
    return round(value, 1) if isinstance(value, float) else value


def _json(flow: FlowSnapshot) -> bytes:
    return orjson.dumps(dataclasses.asdict(flow))


def _page(title: str, content: Markup) -> web.Response:
    return web.Response(text=render("page", title=title, content=content), content_type="text/html")
