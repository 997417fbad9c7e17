"""How much work may be in flight.

Law: what does not fit is refused at once, so that a slow Kafka never turns into memory or into late answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class NoRoom(Exception):
    """The bounds of work in flight are reached: come again later."""


class Room:
    """Counts requests and bytes in flight; not for threads."""

    __slots__ = ("_bytes", "_max_bytes", "_max_requests", "_requests")

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._requests = 0
        self._bytes = 0

    @property
    def requests(self) -> int:
        """Requests in flight."""
        return self._requests

    @property
    def bytes(self) -> int:
        """Bytes in flight."""
        return self._bytes

    @contextmanager
    def occupied(self, size: int) -> Iterator[None]:
        """Count a request with so many bytes while it lasts, or raise NoRoom."""
        if self._requests >= self._max_requests:
            raise NoRoom
        self.take(size)
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1
            self.give_back(size)

    def take(self, size: int) -> None:
        """Count bytes that are kept in memory, or raise NoRoom. The first taker gets any size."""
        if self._bytes and self._bytes + size > self._max_bytes:
            raise NoRoom
        self._bytes += size

    def give_back(self, size: int) -> None:
        """Bytes are no longer kept."""
        self._bytes -= size
