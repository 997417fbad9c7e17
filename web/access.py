"""Who may see what, and what a browser may do with it.

Laws
1. `/livez /readyz /metrics` are open: they hold no personal data.
2. With API_TOKEN set, JSON needs it as bearer; with ADMIN_PASSWORD set, pages need it (HTTP basic, any user name).
3. What is personal is served without either on loopback only.
4. Scripts and styles come from our own files alone; nothing is framed, cached or sniffed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from runtime.logs import logger
from runtime.setting_values import Bind, Secret
from web.problems import API, Problem, answer, of_http

OPEN = frozenset({"/livez", "/readyz", "/metrics"})
PERSONAL = ("/friends", f"{API}v1/friends")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked of whoever wants to see something."""

    api_token: Secret | None
    admin_password: Secret | None
    bind: Bind

    def check(self, request: web.Request) -> None:
        """Return when the request may pass; raises Problem 401 or 403."""
        path = request.path
        if path in OPEN:
            return
        secret = self.api_token if path.startswith(API) else self.admin_password
        if secret is None:
            if path.startswith(PERSONAL) and not is_loopback(self.bind.host):
                raise _closed(path)
        elif not _holds(secret, request.headers.get("Authorization", ""), bearer=path.startswith(API)):
            raise _unauthorized(path)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def guard(access: Access) -> Middleware:
    """The middleware around every handler: access, problems, headers."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            access.check(request)
            response = await handler(request)
        except Problem as problem:
            response = answer(request, problem)
        except web.HTTPRedirection:
            raise
        except web.HTTPException as trouble:
            response = answer(request, of_http(trouble))
        except Exception:
            logger("web").exception("a page failed")
            response = answer(request, Problem(500, "internal", "This page failed", "The log has the reason."))
        if not response.prepared:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    return guarded


def _holds(secret: Secret, header: str, *, bearer: bool) -> bool:
    scheme, _, given = header.partition(" ")
    if bearer:
        return scheme.lower() == "bearer" and _same(given.strip(), secret)
    if scheme.lower() != "basic":
        return False
    try:
        _, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return _same(password, secret)


def _same(given: str, secret: Secret) -> bool:
    return hmac.compare_digest(given.encode(), secret.reveal().encode())


def _unauthorized(path: str) -> Problem:
    bearer = path.startswith(API)
    problem = Problem(
        401,
        "unauthorized",
        "A token is needed here" if bearer else "A password is needed here",
        help_text="send Authorization: Bearer and FRIENDSTREAM_API_TOKEN" if bearer else "FRIENDSTREAM_ADMIN_PASSWORD",
    )
    problem.headers = {"WWW-Authenticate": "Bearer" if bearer else 'Basic realm="friendstream", charset="UTF-8"'}
    return problem


def _closed(path: str) -> Problem:
    setting = "FRIENDSTREAM_API_TOKEN" if path.startswith(API) else "FRIENDSTREAM_ADMIN_PASSWORD"
    return Problem(
        403,
        "closed",
        "Personal data is not shown here",
        "This worker listens beyond its own machine, and nothing protects the page.",
        help_text=f"set {setting}, or bind FRIENDSTREAM_WEB_BIND to 127.0.0.1",
    )
