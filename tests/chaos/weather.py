"""HubSpot on a bad day: refusals, crashes before and after the work is done, silence, slowness; each at a rate.

Law: every trouble here passes by itself; what was asked for is done once, twice or not at all, and the caller cannot
tell which.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from msgspec.structs import replace

from devkit.hubspot import HubSpotSimulator
from devkit.hubspot.faults import Fault
from tests.chaos.blows import while_it_lasts

LONGER_THAN_ANYONE_WAITS_MS = 20_000

TROUBLES: dict[str, tuple[int, Fault]] = {  # how often, in parts of all troubles; and what
    "429 of the second": (4, Fault(call="batch/*", status=429, policy="SECONDLY", times=2)),
    "429 of the window": (1, Fault(call="batch/*", status=429, policy="TEN_SECONDLY_ROLLING")),
    "500": (4, Fault(call="batch/*", status=500, times=2)),
    "503": (2, Fault(call="batch/*", status=503, times=3)),
    "423": (1, Fault(call="batch/update", status=423)),
    "502 after update": (3, Fault(effect="apply-then-answer", call="batch/update", status=502)),
    "502 after create": (4, Fault(effect="apply-then-answer", call="batch/create", status=502)),
    "502 at read": (1, Fault(call="batch/read", status=502)),
    "closed before": (2, Fault(effect="drop", call="batch/*")),
    "closed after": (3, Fault(effect="apply-then-drop", call="batch/*")),
    "silent after update": (
        1,
        Fault(effect="apply-then-timeout", call="batch/update", delay_ms=LONGER_THAN_ANYONE_WAITS_MS),
    ),
    "silent after create": (
        1,
        Fault(effect="apply-then-timeout", call="batch/create", delay_ms=LONGER_THAN_ANYONE_WAITS_MS),
    ),
    "silent before": (1, Fault(effect="timeout", call="batch/*", delay_ms=LONGER_THAN_ANYONE_WAITS_MS)),
}
SLOW_MS = (40, 300)
WAITING = 4  # troubles that wait for their call at a time
CALLS_BETWEEN = 2  # at most, that pass before a trouble


async def bad_weather(
    hubspot: HubSpotSimulator, chance: Random, done: asyncio.Event, mean_pause: float
) -> Counter[str]:
    """Order one trouble after each pause until `done` is set, then clear the sky; returns what was ordered."""
    names = list(TROUBLES)
    weights = [TROUBLES[name][0] for name in names]
    ordered: Counter[str] = Counter()
    hubspot.faults.add_latency(*SLOW_MS)
    try:
        async for _ in while_it_lasts(done, lambda: chance.expovariate(1 / mean_pause)):
            if len(hubspot.faults.orders) >= WAITING:
                continue
            name = chance.choices(names, weights)[0]
            hubspot.faults.order(replace(TROUBLES[name][1], skip=chance.randint(0, CALLS_BETWEEN)))
            ordered[name] += 1
    finally:
        hubspot.faults.clear()
    return ordered


def answers(hubspot: HubSpotSimulator) -> dict[str, int]:
    """How often the contact calls were answered with which status; 0 = not at all."""
    counted: Counter[str] = Counter()
    for (call, status), times in hubspot.log.counts.items():
        counted[str(status)] += times if call.startswith("batch/") else 0
    return dict(sorted(counted.items()))


def writes(hubspot: HubSpotSimulator) -> int:
    """How many batches were written so far, and answered."""
    counts = hubspot.log.counts
    return sum(counts["batch/update", status] + counts["batch/create", status] for status in (200, 201, 207))


async def out_of_order(hubspot: HubSpotSimulator, seconds: float) -> None:
    """HubSpot is away for so many seconds: every call is refused, or nobody answers the door."""
    hubspot.faults.order(Fault(call="*", status=503, times=None, skip=3))
    hubspot.faults.order(Fault(effect="drop", call="*", times=3))
    try:
        await asyncio.sleep(seconds)
    finally:
        hubspot.faults.clear()
