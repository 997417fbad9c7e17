"""The HTTP application of the ingress.

Law: it is built from what is passed in and starts nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from ingress.append import Append
from ingress.connections import Connections
from ingress.reception import Limits, Publisher, Reception
from ingress.records import RecordMaker
from ingress.room import Room
from ingress.tally import Tally


def make_app(
    *,
    connections: Connections,
    append: Append,
    partitions: int,
    room: Room,
    tally: Tally,
    limits: Limits,
    ready: Callable[[], bool],
    standing: Callable[[], str] = lambda: "",
) -> web.Application:
    """`POST /line/{N}`, `/livez`, `/readyz`, `/metrics`.

    `ready` says whether webhooks can be taken now, `standing` in a few words how.
    """
    reception = Reception(connections, Publisher(RecordMaker(partitions), append, tally), room, tally, limits)
    app = web.Application(client_max_size=limits.body_bytes)
    app.router.add_post("/line/{number:[1-9][0-9]{0,8}}", reception.receive)
    _add_probes(app, tally, ready, standing)
    return app


def _add_probes(app: web.Application, tally: Tally, ready: Callable[[], bool], standing: Callable[[], str]) -> None:
    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        taking = ready()
        words = ": ".join(word for word in ("ready" if taking else "not ready", standing()) if word)
        return web.Response(status=200 if taking else 503, text=f"{words}\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=tally.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
