"""`/livez /readyz /metrics` for roles without an HTTP server of their own.

Law: alive means that the event loop answers; ready means that the role does its work.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from runtime.metrics import CONTENT_TYPE
from runtime.ports import port_taken
from runtime.setting_values import Bind


class Health:
    """`ready` says whether the role does its work, `render` gives its metrics."""

    def __init__(self, ready: Callable[[], bool], render: Callable[[], bytes]) -> None:
        self._ready = ready
        self._render = render
        self._runner: web.AppRunner | None = None

    def app(self) -> web.Application:
        """The three routes, to be served alone or mounted."""
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def start(self, bind: Bind) -> str:
        """Listen; the address as `http://host:port`. Refusal 69 when the port is taken."""
        self._runner = web.AppRunner(self.app(), access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, bind.host, bind.port)
        try:
            await site.start()
        except OSError:
            raise port_taken(bind.host, bind.port, "FRIENDSTREAM_HEALTH_BIND") from None
        host, port = self._runner.addresses[0][:2]
        return f"http://{Bind(host, port)}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _request: web.Request) -> web.Response:
        ready = self._ready()
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._render(), headers={"Content-Type": CONTENT_TYPE})
