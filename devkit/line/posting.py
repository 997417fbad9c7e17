"""One signed POST to a webhook, judged as LINE judges it (facts/line.md 2, 7): 2xx within the time-out, or a reason."""

import asyncio
from dataclasses import dataclass

import aiohttp

from devkit.line.signature import HEADER, sign

CONTENT_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Posted:
    """The outcome: HTTP status (0: no answer), LINE's reason and detail, and how long it took."""

    status: int
    reason: str
    detail: str
    latency_ms: float

    @property
    def acknowledged(self) -> bool:
        """Tell whether it was a 2xx in time."""
        return self.reason == "OK"


async def post_signed(
    session: aiohttp.ClientSession, url: str, secret: str, body: bytes, timeout_s: float = 2.0
) -> Posted:
    """POST a body with its signature and never raise for the receiver's trouble."""
    headers = {"Content-Type": CONTENT_TYPE, HEADER: sign(secret, body)}
    clock = asyncio.get_running_loop().time
    started = clock()

    def outcome(status: int, reason: str, detail: str) -> Posted:
        return Posted(status, reason, detail, (clock() - started) * 1000)

    try:
        async with asyncio.timeout(timeout_s), session.post(url, data=body, headers=headers) as answer:
            await answer.read()
            if 200 <= answer.status < 300:
                return outcome(answer.status, "OK", str(answer.status))
            return outcome(answer.status, "ERROR_STATUS_CODE", str(answer.status))
    except TimeoutError:
        return outcome(0, "REQUEST_TIMEOUT", "Request timeout")
    except aiohttp.ClientConnectorDNSError:
        return outcome(0, "COULD_NOT_CONNECT", f"Unknown host: {url}")
    except aiohttp.ClientConnectorError:
        return outcome(0, "COULD_NOT_CONNECT", f"Connection failed: {url}")
    except (aiohttp.ServerDisconnectedError, ConnectionError, aiohttp.ClientOSError):
        return outcome(0, "UNCLASSIFIED", "Session closed unexpectedly")
    except aiohttp.InvalidURL:
        return outcome(0, "COULD_NOT_CONNECT", "Invalid URL syntax")
    except aiohttp.ClientError:
        return outcome(0, "UNCLASSIFIED", "Unclassified webhook dispatch error")
