"""Section `trouble`: a backlog against HubSpot's quota, with and without another program, and what poison costs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from statistics import median

import aiohttp

from bench.report import Section, Size, say
from bench.world import PARTITIONS, World
from clients.hubspot.properties import PropertiesApi
from devkit.clock import now_ms
from devkit.hubspot import HubSpotSimulator
from devkit.hubspot.contacts import Contact
from devkit.hubspot.faults import Fault
from domain.projection import email_of
from runtime.appender import Appender, Outgoing
from schemas.changes import Change
from schemas.codec import digest_of, encode
from schemas.topics import CHANGES

BACKLOG, BATCH = 50_000, 100
TOKEN = "pat-bench"
PATIENCE = 240.0
POISON = "poison"
OTHERS_PART = 0.5


@dataclass(frozen=True, slots=True)
class Drain:
    """A backlog that was written: seconds, our calls, calls of others, refusals, and what the quota allowed us."""

    seconds: float
    calls: int
    others: int
    refused: int
    allowed: float

    @property
    def part(self) -> float:
        """Our calls as a part of what was left for us."""
        return self.calls / self.allowed


def measure(world: World, size: Size) -> Section:
    """The `hubspot` role alone between Kafka and the simulated portal; contacts are known and linked."""
    backlog = size.count(BACKLOG)
    alone, shared, item, whole = [], [], [], []
    for _ in range(size.rounds):
        alone.append(asyncio.run(_drain(world, backlog, others=False)))
        shared.append(asyncio.run(_drain(world, backlog, others=True)))
        item.append(asyncio.run(_poison(world, whole=False)))
        whole.append(asyncio.run(_poison(world, whole=True)))
        say(f"trouble: {alone[-1]}, {shared[-1]}, poison {item[-1]} and {whole[-1]}")
    return _report(backlog, alone, shared, item, whole)


def _report(
    backlog: int, alone: list[Drain], shared: list[Drain], item: list[tuple[int, int]], whole: list[tuple[int, int]]
) -> Section:
    section = Section(
        "trouble",
        "Speed under trouble",
        f"{backlog:,} changes of friends with a linked contact wait for the `hubspot` role; the simulated portal "
        "enforces 190 calls in any 10 s. What is left for us = the quota over the time from the first to the last "
        "call, less the calls of another program with the same token, which takes half of it. Poison: 100 changes, of "
        "which HubSpot refuses one, by item or the call as a whole.",
        ["what", "seconds", "our calls", "calls of others", "answered 429", "of what was left"],
    )
    for name, drains in (("alone", alone), ("beside another program", shared)):
        chosen = sorted(drains, key=lambda drain: drain.part)[len(drains) // 2]
        section.row(
            name,
            f"{chosen.seconds:.1f}",
            f"{chosen.calls}",
            f"{chosen.others}",
            f"{chosen.refused}",
            f"{100 * chosen.part:.1f} %",
        )
    part, refused = median(drain.part for drain in alone), max(drain.refused for drain in alone)
    section.goal("alone, of the quota", f"{100 * part:.1f} %", ">= 95 %", met=part >= 0.95)
    section.goal("alone, 429s", f"{refused}", "0", met=refused == 0)
    part = median(drain.part for drain in shared)
    section.goal("beside another program, of the rest", f"{100 * part:.1f} %", ">= 90 %", met=part >= 0.9)
    for name, found, wanted in (("by item", item, 2), ("as a whole call", whole, 14)):
        extra, landed = max(calls for calls, _ in found) - 1, min(landed for _, landed in found)
        section.goal(f"poison refused {name}", f"{extra} extra calls", f"<= {wanted}", met=extra <= wanted)
        section.goal(f"poison refused {name}: landed", f"{landed} of 99", "99", met=landed == 99)
    return section


async def _drain(world: World, backlog: int, *, others: bool) -> Drain:
    async with _portal(world) as hubspot:
        await _fill(world, hubspot, [f"text {number}" for number in range(backlog)])
        stop = asyncio.Event()
        other = asyncio.create_task(_another_program(hubspot, stop)) if others else None
        if others:
            await asyncio.sleep(10.0)  # it has been at it for a while
        with world.running(world.role("hubspot", world.directory(), **_hubspot_settings(hubspot))):
            await _until(lambda: _written(hubspot) >= backlog)
        stop.set()
        if other is not None:
            await other
        return _drained(hubspot)


def _drained(hubspot: HubSpotSimulator) -> Drain:
    ours = [entry for entry in hubspot.log.entries if entry.call == "batch/update" and entry.status == 200]
    first, last = ours[0].at, ours[-1].at
    seconds = (last - first) / 1000
    meanwhile = [entry for entry in hubspot.log.entries if first <= entry.at <= last]
    foreign = sum(entry.call == "read" and entry.status == 200 for entry in meanwhile)
    refused = sum(entry.call == "batch/update" and entry.status == 429 for entry in meanwhile)
    allowed = hubspot.options.burst_limit * max(seconds, 0.001) / 10 - foreign
    return Drain(seconds, len(ours), foreign, refused, allowed)


async def _poison(world: World, *, whole: bool) -> tuple[int, int]:
    """Calls about contacts, and how many of the 99 sound changes landed."""
    async with _portal(world) as hubspot:
        texts = [f"text {number}" for number in range(BATCH)]
        guilty = BATCH // 3
        if whole:
            texts[guilty] = POISON
            hubspot.faults.order(
                Fault(call="batch/update", status=400, times=None, containing=f'"{POISON}"', body=_REFUSAL)
            )
        await _fill(world, hubspot, texts, absurd=None if whole else guilty)
        before = hubspot.log.count("batch/update")
        with world.running(world.role("hubspot", world.directory(), **_hubspot_settings(hubspot))):
            await _until(lambda: _written(hubspot) >= BATCH - 1)
            await asyncio.sleep(1.0)
        return hubspot.log.count("batch/update") - before, _written(hubspot)


_REFUSAL = {"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid"}


def _hubspot_settings(hubspot: HubSpotSimulator) -> dict[str, str]:
    return {"hubspot_api_url": hubspot.url, "hubspot_token": TOKEN}


@contextlib.asynccontextmanager
async def _portal(world: World) -> AsyncIterator[HubSpotSimulator]:
    await asyncio.to_thread(world.fresh_topics, world.directory())
    async with HubSpotSimulator(token=TOKEN) as hubspot:
        await PropertiesApi(hubspot.url, TOKEN).ensure_connection_properties([1])
        await asyncio.sleep(0)
        yield hubspot


async def _fill(world: World, hubspot: HubSpotSimulator, texts: Sequence[str], *, absurd: int | None = None) -> None:
    """A contact and an open change for each text; the change at `absurd` has a value that no property takes."""
    appender = Appender(world.brokers, client_id="bench")
    outgoing: list[Outgoing] = []
    now = now_ms()
    for number, text in enumerate(texts):
        friend, contact = f"U{number:032x}", str(10_000_000 + number)
        hubspot.portal.contacts.add(
            Contact(contact, {"email": email_of(friend), "line_user_id_1": friend}, created_at=now, updated_at=now)
        )
        follow = "perhaps" if number == absurd else "true"
        properties = {"line_user_id_1": friend, "line_follow_1": follow, "line_last_response_1": text}
        change = Change(
            friend=friend,
            revision=2,
            digest=digest_of(properties),
            emitted_at=now,
            contact=contact,
            confirmed_at=now,
            email=email_of(friend),
            properties=properties,
            causes=(),
            more_causes=0,
        )
        outgoing.append((friend.encode(), encode(change), []))
    await appender.append_by_key(CHANGES.name, PARTITIONS, outgoing)
    await appender.stop()


def _written(hubspot: HubSpotSimulator) -> int:
    return sum(len(entry.written) for entry in hubspot.log.entries if entry.call == "batch/update")


async def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > end:
            raise RuntimeError(f"the backlog is not written after {PATIENCE:.0f} s")
        await asyncio.sleep(0.1)


async def _another_program(hubspot: HubSpotSimulator, stop: asyncio.Event) -> None:
    """Reads one contact again and again, evenly, at half of the quota."""
    apart = 10 / (hubspot.options.burst_limit * OTHERS_PART)
    url = f"{hubspot.url}/crm/v3/objects/contacts/10000000"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        began, calls = time.monotonic(), 0
        while not stop.is_set():
            async with session.get(url) as answer:
                await answer.read()
            calls += 1
            await asyncio.sleep(max(0.0, began + calls * apart - time.monotonic()))
