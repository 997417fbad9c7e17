"""Everything one simulated LINE platform consists of, put together once."""

from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from devkit.clock import seeded
from devkit.line.acts import Acts
from devkit.line.courier import Courier
from devkit.line.faults import Faults
from devkit.line.limits import RateLimits
from devkit.line.sending import Sending
from devkit.line.tokens import Tokens
from devkit.line.world import World


@dataclass(frozen=True, slots=True)
class Called:
    """One call that was answered; `channel_id` is None where no token was needed or it was refused."""

    call: str
    channel_id: str | None
    status: int
    at: int
    request_id: str


@dataclass(frozen=True, slots=True)
class FollowersPage:
    """Where a list of followers goes on; `at` is when the page before it was given (ms)."""

    channel_id: str
    user_ids: list[str]
    at: int


@dataclass(slots=True)
class Platform:
    """The world and the parts of the platform that act on it; `now` is its only clock."""

    world: World
    now: Callable[[], int]
    acts: Acts
    tokens: Tokens
    sending: Sending
    courier: Courier
    limits: RateLimits = field(default_factory=RateLimits)
    faults: Faults = field(default_factory=Faults)
    calls: list[Called] = field(default_factory=list)
    followers_pages: dict[str, FollowersPage] = field(default_factory=dict)


def make_platform(seed: int, now: Callable[[], int], session: aiohttp.ClientSession) -> Platform:
    """Build a platform with an empty world."""
    world = World(seed)
    courier = Courier(world, session, now, seeded(f"line:{seed}:courier"))
    return Platform(world, now, Acts(world), Tokens(world.ids), Sending(world), courier)
