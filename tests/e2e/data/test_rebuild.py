"""friends.v1 is lost: the fold refuses, `rebuild` makes the states again, and nobody deleted comes back."""

from __future__ import annotations

import contextlib
import signal
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from confluent_kafka.admin import AdminClient

from cli.demo_world.failure import NotSeenError, until
from cli.demo_world.world import World
from cli.rebuild_writing import begin
from processors.start_guard import allow_start
from runtime.appender import Appender, partition_of
from runtime.log_reader import read_log
from runtime.process_table import dying_with_parent
from runtime.refusal import Refusal
from runtime.settings import Settings
from runtime.topics import create_topics
from schemas.cloud_events import event_headers
from schemas.codec import encode
from schemas.events import EventRecord
from schemas.friends import FriendState, read_friend_state
from schemas.topics import EVENTS, FRIENDS
from tests.e2e.conftest import PARTITIONS, Friend

if TYPE_CHECKING:
    from tests.e2e.conftest import NewWorld

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]


def friend(world: World, name: str) -> Friend:
    person = world.line.add_user(name, picture_url=f"https://profile.line-scdn.net/0h{name}")
    return Friend(world, person, world.line.user_id(world.shop, person))


@contextlib.asynccontextmanager
async def kafka_alone(world: World) -> AsyncIterator[str]:
    """The world's Kafka without any other role, as an operator runs it."""
    document = world.data_dir / "run" / "broker.json"
    document.unlink(missing_ok=True)
    with world.up.log.open("ab") as log:
        process = await create_subprocess_exec(
            sys.executable, "-P", "-m", "cli.main", "run", "broker", env=world.environ, stdin=DEVNULL, stdout=log,
            stderr=log, preexec_fn=dying_with_parent(signal.SIGTERM),
        )  # fmt: skip

    def ready() -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(document.read_bytes()) if document.exists() else {}
        return found if found.get("ready", False) else {}

    try:
        await until(lambda: bool(ready()), expected="Kafka alone", seen=lambda: str(ready()), timeout=60.0)
        yield str(ready()["url"])
    finally:
        process.terminate()
        await process.wait()


async def lose_the_states(world: World, brokers: str) -> None:
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.delete_topics([FRIENDS.name], operation_timeout=10)[FRIENDS.name].result()
    await until(
        lambda: FRIENDS.name not in admin.list_topics(timeout=10).topics,
        expected="friends.v1 to be gone",
        seen=lambda: "it is there",
    )
    await create_topics(brokers, Settings.load(world.environ))


async def rows(brokers: str) -> dict[str, FriendState]:
    return {(row := read_friend_state(r.value)).friend: row async for r in read_log(brokers, FRIENDS.name)}


async def tell(world: World, brokers: str, who: Friend, text: str) -> None:
    """A message that ingress took while the fold refused to start."""
    event = world.line.perform("text", world.shop, who.person, text=text)
    assert event is not None
    record = EventRecord(connection=1, received_at=event["timestamp"] + 50, origin="webhook", event=event)
    appender = Appender(brokers, client_id="test")
    try:
        key, headers = who.id.encode(), event_headers(record, event["webhookEventId"], event["timestamp"])
        await appender.append(EVENTS.name, partition_of(key, PARTITIONS), [(key, encode(record), headers)])
    finally:
        await appender.stop()


class Cast:
    """Thirty friends, and what happened to some of them in HubSpot."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.all = [friend(world, f"Friend {number}") for number in range(30)]
        self.deleted, self.purged, self.merged = self.all[0:4], self.all[4:6], self.all[6:10]
        self.erased, self.edited, self.blocked = self.all[10], self.all[11], self.all[12]
        self.newcomer = friend(world, "Newcomer")

    async def live(self) -> None:
        for one in self.all:
            await one.follows()
            await one.writes(f"hello from {one.person.display_name}")
        await self.blocked.blocks()
        await self.world.idle()

    async def are_changed_by_people(self) -> None:
        people = self.world.hubspot.people
        for one in (*self.deleted, *self.purged):
            people.delete_contact(self.record(one))
        for one in self.purged:
            self.world.hubspot.portal.contacts.remove(self.world.hubspot.portal.contacts.records[self.record(one)])
        people.merge_contacts(people.create_contact({"email": "a@example.com"}).id, self.record(self.merged[0]))
        people.merge_contacts(self.record(self.merged[1]), people.create_contact({"email": "b@example.com"}).id)
        people.merge_contacts(self.record(self.merged[2]), self.record(self.merged[3]))
        people.edit_contact(self.record(self.edited), {"email": "edited@example.com"})
        await self.world.verb("friends", "erase", self.erased.id, "--hubspot", "--yes")
        for one in (*self.merged, *self.deleted, *self.purged):
            await one.does("postback", data="menu=1")
        await self.edited.writes("my address is edited@example.com")
        await self.world.idle()

    def record(self, one: Friend) -> str:
        contact = next(
            contact
            for contact in self.world.hubspot.portal.contacts.records.values()
            if contact.properties.get(self.world.property("user_id")) == one.id
        )
        return contact.id


def alive(world: World) -> dict[str, dict[str, str | None]]:
    """All living contacts: their line_ properties by record id."""
    return {
        one.id: {name: text for name, text in one.properties.items() if name.startswith("line_")}
        for one in world.hubspot.people.contacts()
    }


async def test_rebuild_after_friends_v1_was_lost(new_world: NewWorld) -> None:
    world = await new_world()
    await world.start()
    await world.connect()
    cast = Cast(world)
    await cast.live()
    await cast.are_changed_by_people()
    refused = await world.verb("rebuild", "--yes", accept=(4,))
    assert "the fold is running" in refused.err
    before = alive(world)
    await world.up.stop()

    async with kafka_alone(world) as brokers:
        refused = await world.verb("rebuild", "--yes", accept=(4,))
        assert "nothing is lost" in refused.err
        await lose_the_states(world, brokers)
        await tell(world, brokers, cast.deleted[0], "I am back")
        await tell(world, brokers, cast.newcomer, "I am new")
    with pytest.raises(NotSeenError) as ended:
        await world.start()
    assert world.up.process.returncode == 78, ended.value
    assert "friendstream rebuild" in world.up.log.read_text()

    async with kafka_alone(world) as brokers:
        planned = (await world.verb("rebuild", "--dry-run", "--json")).json
        assert (planned["friends"], planned["erased"]) == (30, 1)
        assert not await rows(brokers), "a dry run writes nothing"
        await begin(brokers)  # as a rebuild does that is then killed
        with pytest.raises(Refusal) as unfinished:
            await allow_start(brokers)
        assert (unfinished.value.exit_code, unfinished.value.code) == (78, "rebuild_unfinished")
        done = (await world.verb("rebuild", "--yes", "--json")).json
        assert {**done, "dry_run": True} == planned
        await check_rows(await rows(brokers), cast)
        assert await allow_start(brokers) == PARTITIONS
        refused = await world.verb("rebuild", "--yes", accept=(4,))
        assert "nothing is lost" in refused.err

    ready = await world.start(timeout=240.0)
    world.shop.endpoint = f"{ready['ingress']}/line/1"
    await world.idle()
    now = alive(world)
    assert {record: values for record, values in now.items() if record in before} == before
    created = [values[world.property("user_id")] for record, values in now.items() if record not in before]
    assert sorted(map(str, created)) == sorted([cast.deleted[0].id, cast.newcomer.id])
    counted = (await world.verb("verify", "--json")).json
    assert (counted["different"], counted["missing"], counted["extra"]) == (0, 0, 0)
    await go_on(world, cast, set(now))


async def check_rows(found: dict[str, FriendState], cast: Cast) -> None:
    assert set(found) == {one.id for one in cast.all}
    erased = found[cast.erased.id]
    assert erased == FriendState(friend=erased.friend, revision=erased.revision, erased_at=erased.erased_at)
    for one in (*cast.deleted, *cast.purged):
        row = found[one.id]
        assert row.contact is not None
        assert row.contact.status == "gone"
        assert row.trigger is not None
        assert row.trigger_delivered is not None
        assert row.trigger_delivered.id == row.trigger.id
    living = [row for row in found.values() if row.contact is not None and row.contact.status == "live"]
    assert len(living) == 30 - len(cast.deleted) - len(cast.purged) - 1


async def go_on(world: World, cast: Cast, before: set[str]) -> None:
    """What was told before is no news; what is told now is."""
    told = world.line.acknowledged(world.shop)
    for start in range(0, len(told), 10):
        await world.line.post(world.shop, told[start : start + 10])
    await world.idle()
    assert set(alive(world)) == before, "replays create nothing"
    back, gone, early = cast.deleted[1], cast.deleted[2], cast.purged[0]
    await back.writes("I am back, too")
    await gone.blocks()
    await cast.all[20].writes("still here")
    await world.idle()
    assert back.values("last_response", "follow", "user_name") == ("I am back, too", "true", back.person.display_name)
    assert gone.contact() is None
    assert cast.all[20].values("last_response") == ("still here",)
    counted = (await world.verb("verify", "--json")).json
    assert (counted["different"], counted["missing"], counted["extra"]) == (0, 0, 0)
    await early.writes("who left the bin before its time may have been erased")
    await world.idle()
    assert early.contact() is None, "the sweep looks again before it says so; until then nothing is created"
