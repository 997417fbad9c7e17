"""The simulators' only clock and source of randomness: everything else takes `now` and a `Random` from its caller."""

import random
import time
import uuid
from random import Random

__all__ = ["Random", "monotonic_ms", "new_id", "now_ms", "seeded"]


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Return a clock that never goes back, in milliseconds from an arbitrary start."""
    return time.monotonic_ns() // 1_000_000


def new_id(source: Random | None = None) -> str:
    """Return a UUID version 4 as text, drawn from `source` where one is given."""
    if source is None:
        return str(uuid.uuid4())
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


def seeded(seed: int | str | None = None) -> Random:
    """Return an own random source: the same seed gives the same sequence, None an unpredictable one."""
    return random.Random(seed)  # noqa: S311 - a simulator repeats itself on purpose, nothing here is secret
