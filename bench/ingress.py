"""Section `ingress`: what verification and parsing cost, and how fast an answer is under light load."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from statistics import fmean, median
from typing import Any

import orjson

from bench.child import Child
from bench.report import Section, Size
from bench.webhooks import BOT, SECRET
from bench.world import World
from registry.log import Registry
from registry.secrets import with_secret
from runtime.process import run_document_path
from runtime.sealing import SealingKey
from runtime.settings import Settings
from schemas.connections import ConnectionRecord

CONNECTIONS = 64


def measure(world: World, size: Size) -> Section:
    """Alternate between our ingress and the bare one, then send 100 requests a second to ours."""
    data_dir = world.directory()
    settings = world.fresh_topics(data_dir)
    connect(settings)
    ours = world.role("ingress", data_dir)
    bare = world.child("bare", ["-m", "bench.peers.bare_ingress"], world.environ(data_dir))
    urls = {
        ours.name: ours.wait_for_document(run_document_path(settings, "ingress"))["url"],
        bare.name: bare.wait_for_document(run_document_path(settings, "bare"))["url"],
    }
    for child in (ours, bare):
        load(world, urls[child.name], seconds=size.seconds(2))  # warm
    rounds = [one_round(world, ours, bare, urls, size) for _ in range(size.rounds)]
    light = load(world, urls[ours.name], seconds=size.seconds(20), rate=100)
    ours.stop()
    bare.stop()
    return report(rounds, light)


def connect(settings: Settings) -> None:
    """Put connection 1 into the registry."""
    key = SealingKey.load(settings)

    def decide(known: dict[int, ConnectionRecord]) -> ConnectionRecord:
        record = ConnectionRecord(
            number=1, status="connected", name="bench", channel_id="1", bot_user_id=BOT, created_at=1, version=1
        )
        return with_secret(record, key, SECRET.decode(), 1)

    asyncio.run(Registry(settings.kafka).transact(decide))


def one_round(world: World, ours: Child, bare: Child, urls: dict[str, str], size: Size) -> dict[str, dict[str, Any]]:
    """Ours, bare, bare, ours: what else the machine does falls on both alike."""
    slices: dict[str, list[dict[str, Any]]] = {ours.name: [], bare.name: []}
    for child in (ours, bare, bare, ours):
        slices[child.name].append(full_load(world, child, urls[child.name], size))
    return {
        name: {field: fmean(part[field] for part in parts) for field in ("per_second", "cpu_us", "p50_ms", "p99_ms")}
        for name, parts in slices.items()
    }


def full_load(world: World, child: Child, url: str, size: Size) -> dict[str, Any]:
    """As many requests as 64 connections carry; the server's CPU per request beside it."""
    before = child.cpu_seconds()
    figures = load(world, url, seconds=size.seconds(5))
    figures["cpu_us"] = 1e6 * (child.cpu_seconds() - before) / figures["requests"]
    return figures


def load(world: World, url: str, *, seconds: float, rate: float = 0.0) -> dict[str, Any]:
    """Run the generator as a process of its own."""
    arguments = [f"--connections={CONNECTIONS}", f"--seconds={seconds}", f"--rate={rate}"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.http_load", f"{url}/line/1", *arguments],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
    figures: dict[str, Any] = orjson.loads(done.stdout)
    if set(figures["statuses"]) != {"200"}:
        raise RuntimeError(f"not every request was taken: {figures['statuses']}")
    return figures


def report(rounds: list[dict[str, dict[str, Any]]], light: dict[str, Any]) -> Section:
    """The table and the goals."""
    ratio = median(one["ingress"]["per_second"] / one["bare"]["per_second"] for one in rounds)
    section = Section(
        "ingress",
        "Ingress",
        f"One process, {CONNECTIONS} connections, one event a webhook, answered after Kafka's acknowledgement "
        "(acks=all). The bare one has the same handler, bounds, micro-batcher and producer, but looks prepared records "
        "up instead of verifying and parsing (`bench/peers/bare_ingress.py`). Broker, server and generator share the "
        "machine.",
        ["server", "requests/s", "CPU us/request", "p50 ms", "p99 ms"],
    )
    for name, shown in (("ingress", "friendstream"), ("bare", "without verification and parsing")):
        of = [one[name] for one in rounds]
        section.row(
            shown, *(f"{median(one[field] for one in of):,.{digits}f}" for field, digits in
                     (("per_second", 0), ("cpu_us", 0), ("p50_ms", 1), ("p99_ms", 1))),
        )  # fmt: skip
    section.row("friendstream, 100 requests/s", "100", "", f"{light['p50_ms']:.1f}", f"{light['p99_ms']:.1f}")
    section.goal("requests/s against the bare one", f"{ratio:.2f}", ">= 0.85", met=ratio >= 0.85)
    section.goal("p99 at 100 requests/s", f"{light['p99_ms']:.1f} ms", "<= 10 ms", met=light["p99_ms"] <= 10)
    return section
