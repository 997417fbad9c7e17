"""Section `recovery`: how soon a worker with many friends is ready, and what a friend costs in memory."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import median

from bench.report import Section, Size, say
from bench.webhooks import FIRST_TIME, TEXT, ulid, user_id
from bench.world import PARTITIONS, World
from runtime.appender import Appender, Outgoing
from runtime.process import run_document_path
from runtime.settings import Settings
from schemas.codec import encode
from schemas.friends import (
    ConnectionState,
    Contact,
    Follow,
    FriendState,
    Inbound,
    Last,
    Profile,
    Read,
    Seen,
    Writes,
)
from schemas.marks import Mark, Trigger
from schemas.topics import FRIENDS

FRIENDS_FULL = 1_000_000
_CHUNK = 20_000


def measure(world: World, size: Size) -> Section:
    """Start with no friends, then cold and warm with all of them, each time a new process with RocksDB."""
    friends = size.count(FRIENDS_FULL)
    settings = world.fresh_topics(world.directory())
    _, empty = _start(world, settings.data_dir)
    row = encode(_row(0))
    asyncio.run(_preload(world.brokers, friends))
    cold, warm, memory = [], [], []
    for _ in range(size.rounds):
        home = world.directory()
        seconds, resident = _start(world, home)
        cold.append(seconds)
        memory.append((resident - empty) / friends)
        warm.append(_start(world, home)[0])
        say(f"recovery: cold {cold[-1]:.1f} s, warm {warm[-1]:.1f} s, {memory[-1]:.0f} B a friend")
    section = Section(
        "recovery",
        "Recovery",
        f"{friends:,} friends, rows of {len(row)} B in `friends.v1`, {PARTITIONS} partitions, one worker, "
        "STORE=rocksdb; from the start of the process to its ready document, Python's own start included. Cold: no "
        "table on disk. Warm: the table of a clean stop. Memory: resident when ready, less that of a worker without "
        f"friends ({empty / 2**20:.0f} MiB).",
        ["start", "seconds to ready", "resident bytes a friend"],
    )
    section.row("cold", f"{median(cold):.1f}", f"{median(memory):.0f}")
    section.row("warm", f"{median(warm):.1f}", "")
    section.goal("cold", f"{median(cold):.1f} s", "<= 12 s", met=median(cold) <= 12)
    section.goal("warm", f"{median(warm):.1f} s", "<= 3 s", met=median(warm) <= 3)
    section.goal("memory a friend", f"{median(memory):.0f} B", "<= 512 B", met=median(memory) <= 512)
    return section


def _start(world: World, home: Path) -> tuple[float, int]:
    """Start a worker, and stop it when it is ready: seconds to ready, resident bytes then."""
    child = world.role("fold", home, store="rocksdb")
    began = child.began
    child.wait_for_document(run_document_path(Settings.load(world.environ(home)), "fold"))
    ready, resident = time.monotonic() - began, child.memory_bytes()
    child.stop()
    return ready, resident


async def _preload(brokers: str, friends: int) -> None:
    appender = Appender(brokers, client_id="preload")
    for start in range(0, friends, _CHUNK):
        rows: list[Outgoing] = [
            (user_id(number).encode(), encode(_row(number)), [])
            for number in range(start, min(start + _CHUNK, friends))
        ]
        await appender.append_by_key(FRIENDS.name, PARTITIONS, rows)
    await appender.stop()


def _row(number: int) -> FriendState:
    """A friend who follows, wrote, has a name and a picture, and is in HubSpot."""
    at, event = FIRST_TIME + number, ulid(FIRST_TIME + number, number)
    message = Inbound(
        at=at, id=event, message=f"{590_000_000_000_000_000 + number}", kind="text", text=TEXT, retracted=False
    )
    picture = f"https://profile.line-scdn.net/0h{number:060x}"
    profile = Profile(name=f"お客様 {number}", picture=picture, found=True, at=at, wanted_at=at)
    digest = f"{number:016x}"
    return FriendState(
        friend=user_id(number),
        revision=4,
        connections={
            "1": ConnectionState(
                follow=Follow(value=True, at=at, id=event), inbound=message, linked_at=at, profile=profile
            )
        },
        contact=Contact(id=f"{90_000_000_000 + number}", status="live", at=at),
        trigger=Trigger(id=event, at=at, kind="message"),
        trigger_delivered=Mark(id=event, at=at),
        seen=Seen(digest=digest, contact=f"{90_000_000_000 + number}", generation=1, at=at),
        writes=Writes(since=at, count=0),
        read=Read(outcomes=number, results=number),
        last=Last(decision="settled", cause=event, at=at),
    )
