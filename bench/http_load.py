"""`python -m bench.http_load URL ...`: webhooks over kept connections; prints one JSON object.

Law: the generator is as cheap as Python allows, for it shares the machine with what it measures. Closed: each
connection sends the next request when the answer is there. Open (`--rate`): requests are sent at their times, and a
latency counts from that time.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import cast
from urllib.parse import urlsplit

import orjson
import uvloop

from bench.webhooks import signed_webhooks

BODIES, FRIENDS = 20_000, 5_000


class Connection(asyncio.Protocol):
    """One kept connection with at most one request on it."""

    def __init__(self, answered: Callable[[Connection, int, float], None]) -> None:
        self._answered = answered
        self._transport: asyncio.Transport | None = None
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def send(self, request: bytes, since: float) -> None:
        """Send a request; its latency counts from `since`."""
        assert self._transport is not None
        self._since = since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):  # our answers have no body
            self._answered(self, int(data[9:12]), time.perf_counter() - self._since)

    def close(self) -> None:
        """Close the connection."""
        assert self._transport is not None
        self._transport.close()


class Load:
    """What is sent, and what came back."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json; charset=utf-8\r\n"
        )
        self.requests: Iterator[bytes] = itertools.cycle(
            head.encode() + b"x-line-signature: %b\r\nContent-Length: %d\r\n\r\n%b" % (signature, len(body), body)
            for body, signature in signed_webhooks(BODIES, FRIENDS)
        )
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []

    async def connections(self, count: int, answered: Callable[[Connection, int, float], None]) -> list[Connection]:
        """Open so many connections."""
        loop = asyncio.get_running_loop()
        opened = [
            await loop.create_connection(lambda: Connection(answered), self.host, self.port) for _ in range(count)
        ]
        return [connection for _, connection in opened]

    async def closed(self, count: int, seconds: float) -> float:
        """Keep `count` requests in flight for so long; the seconds it took."""
        end = time.perf_counter() + seconds
        left, done = count, asyncio.Event()

        def answered(connection: Connection, status: int, latency: float) -> None:
            nonlocal left
            self.statuses[status] += 1
            self.latencies.append(latency)
            now = time.perf_counter()
            if now < end:
                connection.send(next(self.requests), now)
                return
            left -= 1
            if not left:
                done.set()

        connections = await self.connections(count, answered)
        began = time.perf_counter()
        for connection in connections:
            connection.send(next(self.requests), time.perf_counter())
        await done.wait()
        for connection in connections:
            connection.close()
        return time.perf_counter() - began

    async def open(self, rate: float, seconds: float) -> float:
        """Send `rate` requests a second at their times; the seconds it took."""
        free: asyncio.Queue[Connection] = asyncio.Queue()

        def answered(connection: Connection, status: int, latency: float) -> None:
            self.statuses[status] += 1
            self.latencies.append(latency)
            free.put_nowait(connection)

        connections = await self.connections(8, answered)
        for connection in connections:
            free.put_nowait(connection)
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            (await free.get()).send(next(self.requests), due)
        for _ in connections:
            await free.get()
        return time.perf_counter() - began

    def figures(self, seconds: float) -> dict[str, object]:
        """Requests a second and latencies in ms."""
        ordered = sorted(self.latencies)
        return {
            "requests": len(ordered),
            "per_second": len(ordered) / seconds,
            "p50_ms": 1000 * ordered[len(ordered) // 2],
            "p99_ms": 1000 * ordered[int(len(ordered) * 0.99)],
            "statuses": {str(status): count for status, count in self.statuses.items()},
        }


def main() -> None:
    """Run as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rate", type=float, default=0.0)
    given = parser.parse_args()
    load = Load(given.url)
    run = load.open(given.rate, given.seconds) if given.rate else load.closed(given.connections, given.seconds)
    print(orjson.dumps(load.figures(uvloop.run(run))).decode())


if __name__ == "__main__":
    main()
