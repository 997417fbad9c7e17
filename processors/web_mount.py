"""Our own aiohttp application as the Faust worker's web server.

Laws
1. The application is complete before the worker starts: aiohttp freezes it when the server starts.
2. The server listens about half a second after the start, long before the table is recovered: `ready()` decides what
   may be shown.
3. Faust's built-in pages (index, router, tables, graph, stats, metrics) are absent, not hidden.
"""
# ruff: noqa: SLF001  see hardening

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web
from faust.web.drivers import aiohttp as driver

from runtime.setting_values import Bind

SHUTDOWN_SECONDS = 1.0  # what a request in flight gets at SIGTERM


class OwnWeb(driver.Web):
    """Serves exactly the application it is given, where it is told to; port 0 means any free one."""

    pages: ClassVar[web.Application]
    bind: ClassVar[Bind]
    default_blueprints: ClassVar[Any] = ()
    production_blueprints: ClassVar[Any] = ()
    debug_blueprints: ClassVar[Any] = ()
    optional_blueprints: ClassVar[Any] = ()

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self.web_app = self.pages
        self._runner = web.AppRunner(self.pages, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)

    def _new_transport_tcp(self) -> web.BaseSite:
        return web.TCPSite(self._runner, self.bind.host, self.bind.port)


def mount(app: Any, pages: web.Application, bind: Bind) -> None:
    """Call before the worker starts and before anything touches app.web."""
    app._new_web = lambda: type("Pages", (OwnWeb,), {"pages": pages, "bind": bind})(app)


def address(app: Any) -> str | None:
    """Where the worker's web server listens; None before it does."""
    for found in app.web._runner.addresses:
        host, port = found[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return None
