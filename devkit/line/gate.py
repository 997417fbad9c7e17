"""The gate every call passes: size, scripted trouble, token, rate limit, retry key. Then it is logged."""

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate

import orjson
from aiohttp import web

from devkit.line.answer import NO_AUTHORIZATION, NOT_FOUND, RATE_LIMITED, Answer, refused, unauthorized
from devkit.line.call import Call
from devkit.line.faults import Fault
from devkit.line.model import Account
from devkit.line.platform import Called, Platform
from devkit.line.routes import Route

LARGEST_BODY = 2_000_000
TOO_LARGE = refused(413, "The request body is too large")
FORM = "application/x-www-form-urlencoded"
HANG_S = 3600.0


class Gate:
    """Turns HTTP requests into calls and answers into HTTP; `stopping` frees the callers that were left hanging."""

    def __init__(self, platform: Platform) -> None:
        self.stopping = asyncio.Event()
        self._platform = platform

    def handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the aiohttp handler of one route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            now = self._platform.now()
            request_id = self._platform.world.ids.hexadecimal(digits=32)
            try:
                body = await request.read()
            except web.HTTPRequestEntityTooLarge:
                return self._respond(route.name, None, TOO_LARGE, now, request_id)
            bearer = self._bearer(request, now) if route.authorised else None
            account = bearer if isinstance(bearer, Account) else None
            channel_id = account.channel_id if account else None
            fault = self._platform.faults.meet(route.name, channel_id)
            if fault is not None and not fault.after and (answer := await self._suffer(request, fault)):
                return self._respond(route.name, channel_id, answer, now, request_id)
            answer = bearer if isinstance(bearer, Answer) else self._refusal(route, request, channel_id, now)
            if answer is None:
                call = await self._read(route, request, body, account, now, request_id)
                answer = await route.handler(self._platform, call)
                if fault is not None and fault.after:
                    answer = await self._suffer(request, fault) or answer
            return self._respond(route.name, channel_id, answer, now, request_id)

        return handle

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """Answer a path or method LINE does not have."""
        ids = self._platform.world.ids
        return self._respond("unknown", None, NOT_FOUND, self._platform.now(), ids.hexadecimal(digits=32))

    def _bearer(self, request: web.Request, now: int) -> Account | Answer:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not value:
            return NO_AUTHORIZATION
        token = self._platform.tokens.find(value.strip())
        if token is None:
            return unauthorized("The access token malformed")
        if reason := token.dead(now):
            return unauthorized(reason)
        return self._platform.world.accounts[token.channel_id]

    def _refusal(self, route: Route, request: web.Request, channel_id: str | None, now: int) -> Answer | None:
        if not self._platform.limits.allow(channel_id or "", route.name, now):
            return RATE_LIMITED
        if "X-Line-Retry-Key" in request.headers and not route.retry:
            return refused(400, "The 'X-Line-Retry-Key' header is not supported by this API")
        expected = "application/json" if route.authorised else FORM
        if request.body_exists and request.method in ("POST", "PUT") and request.content_type != expected:
            return refused(415, f"The content type, {request.content_type}, is not supported")
        return None

    async def _read(
        self, route: Route, request: web.Request, body: bytes, account: Account | None, now: int, request_id: str
    ) -> Call:
        form = {} if route.authorised else {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
        return Call(
            name=route.name,
            now=now,
            request_id=request_id,
            account_or_none=account,
            path=dict(request.match_info),
            query=dict(request.query),
            form=form,
            body=body,
            retry_key=request.headers.get("X-Line-Retry-Key"),
        )

    async def _suffer(self, request: web.Request, fault: Fault) -> Answer | None:
        await self._wait(HANG_S if fault.trouble == "hang" and not fault.delay_ms else fault.delay_ms / 1000)
        if fault.trouble == "slow":
            return None
        if fault.trouble in ("hang", "drop") and request.transport is not None:
            request.transport.abort()
        return fault.answer

    async def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return

    def _respond(
        self, name: str, channel_id: str | None, answer: Answer, now: int, request_id: str
    ) -> web.StreamResponse:
        self._platform.calls.append(Called(name, channel_id, answer.status, now, request_id))
        headers = {"x-line-request-id": request_id, "Date": formatdate(now / 1000, usegmt=True), **answer.headers}
        if isinstance(answer.body, dict):
            headers["Content-Type"] = "application/json"
            return web.Response(status=answer.status, body=orjson.dumps(answer.body), headers=headers)
        return web.Response(status=answer.status, body=answer.body, headers=headers)
