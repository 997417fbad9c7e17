"""How the sinks stand: paused or waiting and since when, how far behind, what is in flight, what was answered.

Law: it reads only: the registry for an operator's pause, Kafka for places, the role's own document and metrics for the
rest. A role that runs on another machine is unknown here, never said to be stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import get_args

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from cli.standing import StandingReader
from registry.log import read_known
from runtime.log_reader import committed, end_offsets
from runtime.process import read_document, run_document_path
from runtime.process_table import is_alive
from runtime.settings import Settings
from schemas.connections import SinkName, SinkRecord
from schemas.topics import CHANGES, HUBSPOT_GROUP, LINE_GROUP, REQUESTS, Topic

READS: dict[SinkName, tuple[str, Topic]] = {"hubspot": (HUBSPOT_GROUP, CHANGES), "line": (LINE_GROUP, REQUESTS)}
_METRICS_SECONDS = 3.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One partition: the group's next offset (None: it has none) and the end of the log."""

    partition: int
    committed: int | None
    end: int


class SinkStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One sink; `here` = its role runs on this machine, without which what only the role knows is None."""

    sink: SinkName
    here: bool
    ready: bool | None
    paused: bool
    paused_at: int | None
    waiting_for: str | None
    reason: str | None
    since: int | None
    lag: int
    in_flight: int | None
    quota_left: int | None
    answered: dict[str, int]
    blocked: dict[str, int]
    places: list[Place]


async def sink_standings(settings: Settings, brokers: str, chosen: SinkName | None = None) -> list[SinkStanding]:
    """One reading of the chosen sink, or of both."""
    names: tuple[SinkName, ...] = get_args(SinkName) if chosen is None else (chosen,)
    orders = (await read_known(brokers)).sinks
    async with StandingReader(settings, brokers) as reader:
        blocked = (await reader.read()).blocked_codes if "hubspot" in names else {}
    return [
        await _standing(settings, brokers, name, orders.get(name), blocked if name == "hubspot" else {})
        for name in names
    ]


async def _standing(
    settings: Settings, brokers: str, sink: SinkName, order: SinkRecord | None, blocked: dict[str, int]
) -> SinkStanding:
    document = read_document(run_document_path(settings, sink)) or {}
    pid, url, since = document.get("pid"), document.get("url"), document.get("since")
    here = isinstance(pid, int) and is_alive(pid)
    counted = await _metrics(str(url)) if here and url else {}
    places = await _places(brokers, *READS[sink])
    paused = order is not None and order.paused
    return SinkStanding(
        sink=sink,
        here=here,
        ready=document.get("ready") is True if here else None,
        paused=paused,
        paused_at=order.at if order is not None and paused else None,
        waiting_for=document.get("paused") if here else None,
        reason=document.get("reason") if here else None,
        since=since if here and isinstance(since, int) else None,
        lag=sum(max(0, place.end - (place.committed or 0)) for place in places),
        in_flight=_whole(counted.get("in_flight_events")),
        quota_left=_whole(counted.get("quota_left")),
        answered={name.partition("=")[2]: int(value) for name, value in counted.items() if "=" in name},
        blocked=blocked,
        places=places,
    )


async def _places(brokers: str, group: str, topic: Topic) -> list[Place]:
    done, ends = await asyncio.gather(committed(brokers, group), end_offsets(brokers, topic.name))
    kept = {tp.partition: offset for tp, offset in done.items() if tp.topic == topic.name}
    return [
        Place(partition=partition, committed=kept.get(partition), end=end) for partition, end in sorted(ends.items())
    ]


async def _metrics(url: str) -> Mapping[str, float]:
    """The role's gauges by name, and its answers as `result=created`; {} when it does not say."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_METRICS_SECONDS)) as session,
            session.get(f"{url}/metrics") as answer,
        ):
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return {}
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    gauges = {sample.name: sample.value for sample in samples if not sample.labels}
    answers = {f"result={one.labels['result']}": one.value for one in samples if one.name == "outcomes_total"}
    return gauges | answers


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
