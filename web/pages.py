"""The web application of a fold worker, put together.

Law: complete when it is returned; it knows the worker only by the protocol it is given.
"""

from __future__ import annotations

import asyncio
from importlib import resources

from aiohttp import web
from aiohttp.typedefs import Handler

from runtime.settings import Settings
from web.access import Access, guard
from web.dead_letters import DeadLetterViews
from web.flow import CLOSING, FlowViews
from web.friends import FriendViews
from web.language import texts_for
from web.protocols import FriendRows, ReadLedger, ReadLetters

_STATIC = {"pages.css": "text/css", "flow.js": "text/javascript"}


def make_pages(settings: Settings, rows: FriendRows, ledger: ReadLedger, letters: ReadLetters) -> web.Application:
    """Build the application; `rows` is the worker's window, `ledger` and `letters` read the log."""
    texts = texts_for(settings.language)
    access = Access(settings.api_token, settings.admin_password, settings.web_bind)
    app = web.Application(middlewares=[guard(access)], client_max_size=64 * 1024)
    app.add_routes(FlowViews(rows, texts).routes())
    app.add_routes(FriendViews(rows, ledger, texts).routes())
    app.add_routes(DeadLetterViews(letters, texts).routes())
    for name, kind in _STATIC.items():
        app.router.add_get(f"/static/{name}", _file(name, kind))
    app[CLOSING] = asyncio.Event()

    async def close(app: web.Application) -> None:
        app[CLOSING].set()

    app.on_shutdown.append(close)
    return app


def _file(name: str, kind: str) -> Handler:
    body = resources.files("web").joinpath("static", name).read_bytes()

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return serve
