"""Section `latency`: from the acknowledged webhook to the updated contact, under light load."""

from __future__ import annotations

import asyncio
import time
from statistics import median

from bench.report import Section, Size
from bench.stage import Stage, stage
from bench.world import World

FRIENDS, MESSAGES, A_SECOND = 20, 300, 5.0


def measure(world: World, size: Size) -> Section:
    """Known friends write, five messages a second; each latency is that of one message."""
    messages = size.count(MESSAGES)
    rounds = [asyncio.run(_round(world, messages)) for _ in range(size.rounds)]
    p50, p99 = (median(_quantile(one, part) for one in rounds) for part in (0.5, 0.99))
    section = Section(
        "latency",
        "Latency",
        f"{messages} messages of {FRIENDS} known friends, {A_SECOND:g} a second, `up` with all roles; from the 200 to "
        "the webhook until the simulated HubSpot, which answers at once, holds the text. Changes wait 200 ms "
        "for company (`HUBSPOT_BATCH_MS`).",
        ["messages", "p50 ms", "p99 ms", "longest ms"],
    )
    longest = median(max(one) for one in rounds)
    section.row(f"{messages}", f"{1000 * p50:.0f}", f"{1000 * p99:.0f}", f"{1000 * longest:.0f}")
    section.goal("p50", f"{1000 * p50:.0f} ms", "<= 500 ms", met=p50 <= 0.5)
    section.goal("p99", f"{1000 * p99:.0f} ms", "<= 1,000 ms", met=p99 <= 1.0)
    return section


async def _round(world: World, messages: int) -> list[float]:
    async with stage(world) as live:
        people = live.people(FRIENDS)
        await live.send(live.act("follow", people))
        await live.world.idle(60.0)
        began = time.monotonic()
        waiting = []
        for number in range(messages):
            await asyncio.sleep(began + number / A_SECOND - time.monotonic())
            waiting.append(asyncio.ensure_future(_one(live, people[number % FRIENDS].key, f"message {number}")))
        return await asyncio.gather(*waiting)


async def _one(live: Stage, person: str, text: str) -> float:
    """Seconds from the acknowledgement to the contact that holds the text."""
    world = live.world
    friend = world.line.user_id(world.shop, person)
    await live.send(live.act("text", [world.line.platform.world.people[person]], text=text))
    accepted = time.monotonic()
    name = world.property("last_response")
    while (contact := world.contact(friend)) is None or contact.properties.get(name) != text:
        if time.monotonic() - accepted > 30:
            raise RuntimeError(f"{text} did not reach HubSpot within 30 s")
        await asyncio.sleep(0.003)
    return time.monotonic() - accepted


def _quantile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
