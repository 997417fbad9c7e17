"""Section `calls`: how many calls to HubSpot a crowd costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from statistics import median

from bench.report import Section, Size, say
from bench.stage import Stage, stage
from bench.world import World

FRIENDS, EVENTS_EACH = 1_000, 5
EVENTS_A_WEBHOOK = 5  # of different friends: LINE packs a burst, and it must arrive within the second


def measure(world: World, size: Size) -> Section:
    """A crowd that is new, one that is known and wrote while nobody looked, and one that is known and writes now."""
    friends = size.count(FRIENDS)
    rounds = [asyncio.run(_round(world, friends)) for _ in range(size.rounds)]
    section = Section(
        "calls",
        "Calls to HubSpot",
        f"{friends:,} friends, `up` with all roles between the simulators, webhooks over HTTP; counted are all calls "
        "about contacts, names and pictures included, until nothing is left to do. A naive integration calls once an "
        "event.",
        ["what happens", "events", "seconds to arrive", "calls"],
    )
    for place, (what, events, wanted) in enumerate(
        (
            (f"{friends:,} new friends follow", friends, 22),
            (f"{friends:,} known friends, {EVENTS_EACH} events each, waiting in the log", friends * EVENTS_EACH, 12),
            (f"{friends:,} known friends, {EVENTS_EACH} events each, live in five waves", friends * EVENTS_EACH, 24),
        )
    ):
        calls = int(median(one[place][1] for one in rounds))
        section.row(what, f"{events:,}", f"{median(one[place][0] for one in rounds):.1f}", f"{calls}")
        section.goal(what, f"{calls} calls", f"<= {wanted}", met=calls <= wanted)
    return section


async def _round(world: World, friends: int) -> list[tuple[float, int]]:
    """Seconds of arrival and calls of the three crowds."""
    async with stage(world) as live:
        people = live.people(friends)
        counted = [await _counted(live, live.send(live.act("follow", people), each=EVENTS_A_WEBHOOK, within=1.0))]
        await live.world.up.stop()
        before = live.contact_calls()
        await live.append([event for wave in range(EVENTS_EACH) for event in live.act("text", people, text=f"{wave}")])
        await live.world.start()
        await live.world.idle(120.0)
        counted.append((0.0, live.contact_calls() - before))
        waves = [event for wave in range(EVENTS_EACH) for event in live.act("text", people, text=f"live {wave}")]
        counted.append(await _counted(live, live.send(waves, each=EVENTS_EACH * EVENTS_A_WEBHOOK, within=1.0)))
    say(f"calls: {[calls for _, calls in counted]}")
    return counted


async def _counted(live: Stage, sending: Awaitable[float]) -> tuple[float, int]:
    before = live.contact_calls()
    seconds = await sending
    await live.world.idle(120.0)
    return seconds, live.contact_calls() - before
