"""Whether everything came out right: HubSpot, the log and the counters against what people did.

Law: only invariants count, never a line of a log or a duration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from cli.demo_world.expectation import Face, differences, expected_contacts
from cli.demo_world.failure import until
from cli.demo_world.kafka import folded_causes
from cli.demo_world.world import World
from devkit.line import Json
from runtime.log_reader import read_log
from runtime.process import read_document
from schemas.topics import EVENTS
from tests.chaos.crowd import Crowd
from tests.chaos.processes import ROLES, living

MEASURED = ("ingress", "fold", "hubspot", "line")
FLOW = {
    "received": "received_events_total",
    "sent": "sent_events_total",
    "discarded": "discarded_events_total",
    "in flight": "in_flight_events",
}


async def at_rest(world: World, timeout: float = 240.0) -> dict[str, Any]:
    """Wait until every role is ready again, then until nothing is left to do; the status."""
    await until(
        lambda: not unready(world),
        expected="`up` to bring back every role",
        seen=lambda: f"not ready: {', '.join(unready(world))}",
        where=world.up.log,
        timeout=timeout,
    )
    return await world.idle(timeout)


def unready(world: World) -> list[str]:
    """The roles without a process, or whose process does not say that it is ready."""
    processes = living(world.up.process.pid)
    return [role for role in ROLES if role not in processes or world.pid_of(role) != processes[role].pid]


async def in_the_log(world: World) -> dict[str, Json]:
    """Every event of line.events.v1 by id, as it was written first."""
    found: dict[str, Json] = {}
    async for record in read_log(world.up.ready["kafka"], EVENTS.name):
        event = orjson.loads(record.value)["event"]
        found.setdefault(event["webhookEventId"], event)
    return found


async def judge(world: World, crowd: Crowd) -> dict[str, Any]:
    """Assert that nothing is lost, wrong, doubled or back; returns figures."""
    logged = await in_the_log(world)
    lost = crowd.acknowledged - logged.keys()
    assert not lost, f"{len(lost)} acknowledged events are not in the log: {sorted(lost)[:5]}"
    assert logged.keys() <= crowd.sent.keys(), "the log holds events nobody sent"
    unfolded = logged.keys() - await folded_causes(world.up.ready["kafka"])
    assert not unfolded, f"{len(unfolded)} events have no decision: {sorted(unfolded)[:5]}"
    wrong = wrong_contacts(world, crowd, logged)
    assert not wrong, f"{len(wrong)} friends are wrong: {dict(list(wrong.items())[:5])}"
    verified = (await world.verb("verify", "--json", accept=(0, 1))).json
    expected = {"equal": len(crowd.present), "different": 0, "missing": 0, "extra": 0}
    assert {name: verified[name] for name in expected} == expected, verified
    status = (await world.verb("status", "--json")).json
    assert (status["dead_letters"], status["blocked"], status["parked"]) == (0, 0, 0), status
    return {
        "events": len(logged),
        "posts": crowd.posts,
        "friends": len(crowd.lives),
        "contacts": expected["equal"],
        "deleted by people": sum(life.deletions for life in crowd.lives),
        "stay deleted": len(crowd.former),
        "lost": len(lost),
        "wrong": len(wrong),
        "doubled": sum("contacts instead of one" in one for found in wrong.values() for one in found),
    }


def wrong_contacts(world: World, crowd: Crowd, logged: Mapping[str, Json]) -> dict[str, list[str]]:
    """What differs in HubSpot from what the log says, with the edits of colleagues; doubles and revenants included."""
    gone = {life.id for life in crowd.former}
    faces = {life.id: Face(life.person.display_name, life.person.picture_url or "") for life in crowd.lives}
    events = [event for event in logged.values() if event["source"]["userId"] not in gone]
    expected = expected_contacts(events, faces, world.number)
    for life in crowd.present:
        for contact in world.contacts_of(life.id):
            expected[life.id] |= life.edited.get(contact.id, {})
    contacts = [contact.properties for contact in world.hubspot.people.contacts()]
    return differences(expected, contacts, world.number)


async def assert_counters_agree(world: World) -> dict[str, dict[str, float]]:
    """received = sent + discarded + in flight, in every living role; returns the counts."""
    counts = {role: await scraped(world, role) for role in MEASURED}
    for role, count in counts.items():
        assert count["received"] == sum(count.values()) - count["received"], f"{role}: {count}"
    return counts


async def scraped(world: World, role: str) -> dict[str, float]:
    """The flow of one role in numbers, from its /metrics."""
    document = read_document(world.data_dir / "run" / f"{role}.json") or {}
    async with aiohttp.ClientSession() as session, session.get(f"{document['url']}/metrics") as answer:
        assert answer.status == 200, answer.status
        text = await answer.text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {short: sum(one.value for one in samples if one.name == name) for short, name in FLOW.items()}
