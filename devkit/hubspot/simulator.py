"""The simulator as a thing to start: one account behind an HTTP server, with its people, faults and log at hand."""

import asyncio
from types import TracebackType
from typing import Self

from aiohttp import web

from devkit.clock import now_ms, seeded
from devkit.hubspot.access import Access
from devkit.hubspot.account import Account
from devkit.hubspot.admin import admin_routes
from devkit.hubspot.call_log import CallLog
from devkit.hubspot.faults import Faults
from devkit.hubspot.front_door import FrontDoor, Reply, Request
from devkit.hubspot.options import PortalOptions
from devkit.hubspot.people import People
from devkit.hubspot.portal import Portal

LARGEST_BODY = 32 * 1024 * 1024


class HubSpotSimulator:
    """`async with HubSpotSimulator() as hubspot:` serves at `hubspot.url` until the block ends.

    `token` is the one token that is accepted at first; the same `seed` repeats ids, orders and delays.
    """

    def __init__(
        self,
        token: str = "pat-sim",  # noqa: S107 - opens nothing but a simulator
        seed: int | None = 1,
        options: PortalOptions | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.token = token
        self.options: PortalOptions = options or PortalOptions()
        self.clock_offset = 0  # ms added to the real time, to let weeks pass
        self._seed = seed
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._late: set[asyncio.TimerHandle] = set()
        self.url = ""
        self.door: FrontDoor
        self.people: People
        self.reset()

    @property
    def account(self) -> Account:
        """The simulated account."""
        return self.door.account

    @property
    def portal(self) -> Portal:
        """Its contacts and properties."""
        return self.door.account.portal

    @property
    def access(self) -> Access:
        """Its tokens and scopes."""
        return self.door.account.access

    @property
    def faults(self) -> Faults:
        """Where trouble is ordered."""
        return self.door.faults

    @property
    def log(self) -> CallLog:
        """What was called."""
        return self.door.log

    def now(self) -> int:
        """Return the simulator's time in ms."""
        return now_ms() + self.clock_offset

    def reset(self, *, keep_properties: bool = False) -> None:
        """Begin again with an empty portal, no faults and an empty log; options stay."""
        schema = self.portal.schema if keep_properties else None
        account = Account(self.token, self.options, self._seed)
        if schema is not None:
            account.portal.schema = schema
            for name in schema.unique_names():
                account.portal.contacts.index_unique(name)
        self.door = FrontDoor(account, seeded(self._seed))
        self.people = People(account, self.now)

    async def start(self) -> None:
        """Listen; `url` is known from then on."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.add_routes(admin_routes(self))
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening; calls that would be carried out later never are."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _serve(self, request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        authorization = request.headers.get("Authorization", "")
        asked = Request(request.method, path, query, authorization, await request.read())
        reply = self.door.handle(asked, self.now())
        if reply.late is not None:
            self._call_later(reply)
        if reply.delay_ms:
            await asyncio.sleep(reply.delay_ms / 1000)
        if not reply.answered:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body or None)

    def _call_later(self, reply: Reply) -> None:
        def carry_out() -> None:
            self._late.discard(handle)
            if reply.late is not None:
                reply.late(self.now())

        handle = asyncio.get_running_loop().call_later(reply.late_ms / 1000, carry_out)
        self._late.add(handle)
