"""Many events of each friend, out of order and twice, while HubSpot answers by script and processes are killed.

Afterwards each contact shows the friend's last state, whatever was written on the way.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random

import pytest
from msgspec.structs import replace

from cli.demo_world.world import SESSION_SECONDS, World
from devkit.clock import now_ms
from devkit.hubspot.contacts import Contact
from devkit.hubspot.faults import Fault
from devkit.hubspot.portal import INTEGRATION, Portal
from devkit.line import Json
from devkit.traffic import storm
from tests.chaos.blows import Storm, schedule, while_it_lasts
from tests.chaos.conftest import MakeWorld, Tell
from tests.chaos.crowd import Crowd, Life
from tests.chaos.processes import living
from tests.chaos.verdict import at_rest, judge
from tests.chaos.weather import writes

FRIENDS, EVENTS_EACH = 500, 40
POSTS_PER_SECOND = 100.0
LAST_WORDS_SHARE = 0.15  # of the events come when HubSpot is well again; the last of them decides
TURNS_APART = 2  # an event may be overtaken by the next ones of the same friend
BLOWS, MEAN_PAUSE = 6, 12.0
SCRIPTS: tuple[tuple[Fault, ...], ...] = (
    (Fault(call="batch/update", status=500, times=2),),
    (Fault(call="batch/update", status=400),),
    (Fault(effect="apply-then-answer", call="batch/update", status=500), Fault(call="batch/update", status=500)),
    (Fault(effect="apply-then-timeout", call="batch/update", delay_ms=20_000),),
    (Fault(effect="apply-then-drop", call="batch/update", times=3),),
    (Fault(call="batch/*", status=429, policy="SECONDLY", times=3), Fault(call="batch/update", status=502)),
    (Fault(effect="apply-then-answer", call="batch/create", status=502), Fault(call="batch/create", status=500)),
    (Fault(call="batch/read", status=503, times=2),),
)


@pytest.mark.chaos
async def test_order(make_world: MakeWorld, chance: Random, tell: Tell, request: pytest.FixtureRequest) -> None:
    """500 friends with 40 events each: every contact ends with the last words, and nothing older is written over it."""
    friends = request.config.getoption("--friends") or FRIENDS
    async with make_world() as world:
        await world.start()
        await world.connect()
        with written_words(world) as history:
            async with Crowd(world, Random(chance.random())) as crowd:
                await crowd.arrive(friends, 0)
                await _talk(world, crowd, chance, tell)
                await at_rest(world)
                tell("figures", await judge(world, crowd) | _stale(world, crowd, history))


async def _talk(world: World, crowd: Crowd, chance: Random, tell: Tell) -> None:
    events = [event for turn in range(EVENTS_EACH) for event in _turn(crowd, chance, turn)]
    calm = int(len(events) * (1 - LAST_WORDS_SHARE))
    blows = schedule(
        chance, BLOWS, mean_pause=MEAN_PAUSE, session_seconds=SESSION_SECONDS, victims=("fold", "hubspot", "ingress")
    )
    strikes, done = (
        Storm(lambda: living(world.up.process.pid), lambda: writes(world.hubspot)),
        asyncio.Event(),
    )
    around = [
        asyncio.create_task(strikes.rage(blows)),
        asyncio.create_task(_follow_the_scripts(world, crowd, Random(chance.random()), done)),
    ]
    overtaken = TURNS_APART * len(crowd.lives)
    try:
        await crowd.pour(storm(events[:calm], seed=chance.randrange(2**32), reorder=overtaken), rate=POSTS_PER_SECOND)
    finally:
        done.set()
        await asyncio.gather(*around)
    tell("struck", dict(sorted(strikes.counts().items())))
    await crowd.pour(storm(events[calm:], seed=chance.randrange(2**32), reorder=overtaken), rate=POSTS_PER_SECOND)


def _turn(crowd: Crowd, chance: Random, turn: int) -> list[Json]:
    """One event of everybody, in any order; the last ones are words."""
    lives = list(crowd.lives)
    chance.shuffle(lives)
    at = now_ms() + turn * 50
    return [_act(crowd, chance, life, turn, at) for life in lives]


def _act(crowd: Crowd, chance: Random, life: Life, turn: int, at: int) -> Json:
    line, shop = crowd.world.line, crowd.world.shop
    dice, last = chance.random(), turn == EVENTS_EACH - 1
    if life.blocked:
        life.blocked, kind, fields = False, "follow", dict[str, object]()
    elif dice < 0.1 and turn < EVENTS_EACH - 2:
        life.blocked, kind, fields = True, "unfollow", {}
    elif dice < 0.2 and life.message is not None and not last:
        life.message, kind, fields = None, "unsend", {"message_id": life.message}
    else:
        kind, fields = "text", {"text": f"words {turn}"}
    event = line.perform(kind, shop, life.person, at=at, **fields)
    assert event is not None
    if kind == "text":
        life.message = str(event["message"]["id"])
    return event


async def _follow_the_scripts(world: World, crowd: Crowd, chance: Random, done: asyncio.Event) -> None:
    """One script after the other; before each, a contact is deleted, so that a batch is answered 207."""
    number = 0
    async for _ in while_it_lasts(done, lambda: 1.0):
        for fault in SCRIPTS[number % len(SCRIPTS)]:
            world.hubspot.faults.order(replace(fault))
        life = chance.choice(crowd.lives)
        for contact in world.contacts_of(life.id):
            world.hubspot.people.delete_contact(contact.id)
            life.deletions += 1
        number += 1
    world.hubspot.faults.clear()


@contextmanager
def written_words(world: World) -> Iterator[dict[str, list[str]]]:
    """What the program writes as a friend's last words while the block lasts, by friend, in the order of writing."""
    history: dict[str, list[str]] = {}
    portal: Portal = world.hubspot.portal
    create, update = portal.create, portal.update

    def note(contact: Contact, values: Mapping[str, str]) -> None:
        words, friend = values.get(world.property("last_response")), contact.properties.get(world.property("user_id"))
        if words is not None and friend is not None:
            history.setdefault(friend, []).append(words)

    def creating(values: dict[str, str], now: int, source: str = INTEGRATION) -> Contact:
        contact = create(values, now, source)
        note(contact, values)
        return contact

    def updating(contact: Contact, values: dict[str, str], now: int, source: str = INTEGRATION) -> None:
        update(contact, values, now, source)
        note(contact, values)

    portal.create, portal.update = creating, updating  # type: ignore[method-assign]  # an eye, not a change
    try:
        yield history
    finally:
        portal.create, portal.update = create, update  # type: ignore[method-assign]


def _stale(world: World, crowd: Crowd, history: Mapping[str, list[str]]) -> dict[str, object]:
    """Assert that the last words written are the last words said; how often older ones came in between."""
    last = f"words {EVENTS_EACH - 1}"
    standing = {life.id: history[life.id][-1] for life in crowd.lives if history[life.id][-1] != last}
    assert not standing, f"older words stand in {len(standing)} contacts: {dict(list(standing.items())[:5])}"
    turns = [[int(words.split()[1]) for words in said if words.startswith("words ")] for said in history.values()]
    back = sum(later < earlier for said in turns for earlier, later in itertools.pairwise(said))
    return {"writes": sum(map(len, history.values())), "older for a moment": back, "stale": len(standing)}
