"""The only reader of clocks and randomness.

Law: no other module of the product asks the machine for the time or a random number; tests pass their own.
"""

from __future__ import annotations

import random
import secrets
import time


def now_ms() -> int:
    """The wall clock in milliseconds UTC."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds of a clock that never goes back; only differences mean anything."""
    return time.monotonic()


def random_source() -> random.Random:
    """A freshly seeded source for jitter and sampling; never for secrets."""
    return random.Random()  # noqa: S311  jitter, not cryptography


def token_bytes(size: int) -> bytes:
    """Random bytes that are good enough for keys."""
    return secrets.token_bytes(size)
