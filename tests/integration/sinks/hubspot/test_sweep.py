"""The sweep on real Kafka: what people do in HubSpot is found, folded and, where it is ours, put right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from msgspec.structs import replace

from devkit.hubspot.contacts import Contact
from domain.outcomes import ARCHIVED
from runtime.clock import monotonic, now_ms
from runtime.process import read_document, run_document_path
from runtime.settings import Settings
from schemas.friends import Sent
from sinks.hubspot.run import run
from tests.integration.sinks.hubspot.fold import Fold
from tests.integration.sinks.hubspot.world import TOKEN, World, friend_id, until

MEI, KEN, AOI, YUI = (friend_id(number) for number in range(4))
DAY = 86_400_000


@pytest.fixture
async def sweeping(world: World, settings_for: Callable[..., Settings]) -> AsyncIterator[Fold]:
    """A sink that walks every second, and a fold."""
    world.hubspot.options.burst_limit = 20_000  # a twentieth of it is quick
    world.settings = settings_for(
        hubspot_token=TOKEN, hubspot_api_url=world.hubspot.url, session_seconds=6, sweep_seconds=1, hubspot_batch_ms=50
    )
    fold = Fold(world.brokers, world.settings.partitions, world.appender)
    folding = asyncio.create_task(fold.run())
    yield fold
    folding.cancel()
    await asyncio.gather(folding, return_exceptions=True)
    await world.stop_sink()


def contact_of(world: World, fold: Fold, friend: str) -> Contact | None:
    """The live contact that the friend is linked to."""
    linked = fold.states[friend].contact
    return None if linked is None or linked.id is None else world.hubspot.portal.contacts.active(linked.id)


async def linked(world: World, fold: Fold, *friends: str) -> list[Contact]:
    """These friends write, and have contacts."""
    for friend in friends:
        await fold.writes(friend, "hello")
    if not world.tasks:
        world.start_sink()

    async def settled() -> bool:
        done = [fold.states[friend].sent is None for friend in friends]
        return all(done) and all(contact_of(world, fold, friend) is not None for friend in friends)

    await until(settled)
    found = [contact_of(world, fold, friend) for friend in friends]
    return [contact for contact in found if contact is not None]


async def becomes(world: World, fold: Fold, friend: str, status: str) -> None:
    async def so() -> bool:
        state = fold.states[friend]
        return state.sent is None and (state.contact.status if state.contact else "erased") == status

    await until(so, 20)


def told(fold: Fold, friend: str) -> list[str]:
    return [one.result for one in fold.sights if one.friend == friend]


async def test_what_people_do_is_found(world: World, sweeping: Fold) -> None:
    """Edited: put right, all else untouched. Deleted: let go. Restored: written whole. Merged: followed."""
    edited, deleted, merged, untouched = await linked(world, sweeping, MEI, KEN, AOI, YUI)
    people = world.hubspot.people
    people.edit_contact(edited.id, {"line_last_response_1": "typed over", "line_follow_1": "false", "firstname": "Mei"})
    people.delete_contact(deleted.id)
    other = people.create_contact({"email": "aoi@example.com", "lastname": "Aoi"})
    survivor = people.merge_contacts(other.id, merged.id)
    people.edit_contact(survivor.id, {"line_last_response_1": ""})
    writes = untouched.writes

    async def put_right() -> bool:
        at_aoi = contact_of(world, sweeping, AOI)
        return edited.properties["line_last_response_1"] == "hello" and at_aoi is survivor

    await until(put_right, 20)
    await becomes(world, sweeping, KEN, "gone")
    assert (edited.properties["firstname"], edited.properties["line_follow_1"]) == ("Mei", "true")
    assert survivor.properties["line_last_response_1"] == "hello"
    assert (survivor.properties["email"], survivor.properties["lastname"]) == ("aoi@example.com", "Aoi")
    assert sweeping.states[KEN].contact.at == deleted.archived_at

    world.hubspot.people.restore_contact(deleted.id)
    deleted.properties.pop("line_follow_1")
    await becomes(world, sweeping, KEN, "live")
    await until(lambda: equal(deleted, "line_follow_1", "true"), 20)
    assert {friend: told(sweeping, friend) for friend in (MEI, KEN, AOI, YUI)} == {
        MEI: ["drifted"],
        KEN: ["archived", "restored"],
        AOI: ["merged"],
        YUI: [],
    }
    assert untouched.writes == writes
    document = read_document(run_document_path(world.settings, "hubspot"))
    assert document is not None
    assert document["sweep"]["friends"] == 4


async def equal(contact: Contact, name: str, value: str) -> bool:
    return contact.properties.get(name) == value


async def test_deleted_for_privacy_is_erased_a_day_later(world: World, sweeping: Fold) -> None:
    """Neither alive nor in the bin: nothing is forgotten before a second look a day later."""
    (contact,) = await linked(world, sweeping, MEI)
    world.hubspot.people.erase_contact(contact.id)
    await becomes(world, sweeping, MEI, "gone")
    state = sweeping.states[MEI]
    assert told(sweeping, MEI) == ["archived"]
    assert state.contact.nowhere_at is not None
    await asyncio.sleep(2.5)
    assert told(sweeping, MEI) == ["archived"], "looks within the day say nothing"
    await sweeping.seed(MEI, contact=replace(state.contact, nowhere_at=now_ms() - DAY))
    await becomes(world, sweeping, MEI, "erased")
    assert told(sweeping, MEI) == ["archived", "erased"]
    assert sweeping.states[MEI].connections == {}


async def test_a_twin_is_linked_and_written(world: World, sweeping: Fold) -> None:
    """A live contact with the dummy address of a friend whose contact is deleted."""
    (contact,) = await linked(world, sweeping, MEI)
    world.hubspot.people.delete_contact(contact.id)
    await becomes(world, sweeping, MEI, "gone")
    twin = world.hubspot.people.create_contact({"email": contact.properties["email"], "firstname": "Mei"})
    await becomes(world, sweeping, MEI, "live")
    await until(lambda: equal(twin, "line_user_id_1", MEI))
    assert sweeping.states[MEI].contact.id == twin.id
    assert told(sweeping, MEI) == [ARCHIVED, "twin"]
    assert twin.properties["firstname"] == "Mei"


async def test_a_lost_answer_is_given_up_and_the_contact_written(world: World, sweeping: Fold) -> None:
    """A row waits for a change that the sink has passed: it is written again, once."""
    (contact,) = await linked(world, sweeping, MEI)
    writes = contact.writes
    state = sweeping.states[MEI]
    await sweeping.seed(MEI, sent=Sent(revision=state.revision, digest="0" * 16, at=now_ms()))

    async def answered() -> bool:
        return contact.writes > writes and sweeping.states[MEI].sent is None

    await until(answered, 20)
    await asyncio.sleep(2.5)
    assert told(sweeping, MEI) == ["unanswered"]
    assert contact.writes == writes + 1


async def test_an_answer_that_the_fold_has_not_read_is_not_lost(world: World, sweeping: Fold) -> None:
    """While the fold stands still, a row that waits proves nothing, however far the sink is."""
    (contact,) = await linked(world, sweeping, MEI)
    sweeping.stands_still = True
    await sweeping.writes(MEI, "unheard")
    await until(lambda: equal(contact, "line_last_response_1", "unheard"))
    await asyncio.sleep(3)
    assert [one.result for one in await world.outcomes()] == ["created", "updated"]
    sweeping.stands_still = False
    await becomes(world, sweeping, MEI, "live")


async def test_hubspot_down_for_the_length_of_a_walk(world: World, sweeping: Fold) -> None:
    """The walk waits, goes on when HubSpot is back, and finds what happened meanwhile; live changes are not lost."""
    edited, _deleted = await linked(world, sweeping, MEI, KEN)
    world.hubspot.faults.answer_next("batch/*", 503, times=None)

    before = world.hubspot.log.count("batch/read")
    await until(lambda: more_reads(world, before + 3), 20)
    world.hubspot.people.edit_contact(edited.id, {"line_last_response_1": "typed over"})
    await sweeping.writes(KEN, "while it was down")
    await asyncio.sleep(1)
    world.hubspot.faults.clear()
    await until(lambda: equal(edited, "line_last_response_1", "hello"), 60)
    ken = contact_of(world, sweeping, KEN)
    assert ken is not None
    await until(lambda: equal(ken, "line_last_response_1", "while it was down"))


async def more_reads(world: World, count: int) -> bool:
    return world.hubspot.log.count("batch/read") >= count


async def test_at_most_a_twentieth_of_the_quota(world: World, sweeping: Fold) -> None:
    """Of 1000 calls in ten seconds at most 50 are the sweep's, however often it walks; and no call is refused."""
    await linked(world, sweeping, MEI)
    world.hubspot.options.burst_limit = 1000
    await linked(world, sweeping, KEN)  # its answer tells the new limit
    await asyncio.sleep(1)
    before, began = world.hubspot.log.count("batch/read"), monotonic()
    await asyncio.sleep(6)
    made, lasted = world.hubspot.log.count("batch/read") - before, monotonic() - began
    assert 1 <= made <= 50 * lasted / 10 + 1
    assert 429 not in {status for _call, status in world.hubspot.log.counts}


async def test_a_rebalance_ends_the_walk_and_another_begins(world: World, sweeping: Fold) -> None:
    """Sinks come and go; who owns a partition sweeps it."""
    (contact,) = await linked(world, sweeping, MEI)
    leave = asyncio.Event()
    second = asyncio.create_task(run(world.settings, world.brokers, leave))
    await asyncio.sleep(3)
    leave.set()
    await second
    world.hubspot.people.edit_contact(contact.id, {"line_follow_1": "false"})
    await until(lambda: equal(contact, "line_follow_1", "true"), 40)
