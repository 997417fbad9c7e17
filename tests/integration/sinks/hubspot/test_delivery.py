"""Changes in, contacts and outcomes out, on real Kafka."""

from __future__ import annotations

import aiohttp

from runtime.appender import partition_of
from runtime.clock import now_ms
from runtime.log_reader import read_log
from runtime.process import read_document, run_document_path
from schemas.codec import encode
from schemas.marks import Mark
from schemas.outcomes import Outcome
from schemas.topics import DEAD_LETTERS, OUTCOMES
from tests.integration.sinks.hubspot.world import World, friend_id, make_change, permit


async def test_new_friends_become_contacts_in_full_batches(world: World) -> None:
    """250 permitted changes cost 3 creations, each friend gets one contact and one outcome, and all is committed."""
    friends = [friend_id(n) for n in range(250)]
    await world.send(*[make_change(friend, may_create=permit()) for friend in friends])
    world.start_sink()
    outcomes = await world.settled()
    assert sorted(one.friend for one in outcomes) == friends
    assert {one.result for one in outcomes} == {"created"}
    assert world.contact_calls() == 3
    by_id = {one.contact: one.friend for one in outcomes}
    found = {c.id: c.properties["line_user_id_1"] for c in world.hubspot.portal.contacts.after(0, archived=False)}
    assert found == by_id
    await world.stop_sink()


async def test_every_end_of_a_given_id(world: World) -> None:
    """Alive, merged, deleted with and without permission, erased: each ends as the design says."""
    people = world.hubspot.people
    made = {n: people.create_contact({"email": f"{friend_id(n)}@line.me"}) for n in range(6)}
    survivor = people.merge_contacts(people.create_contact({"email": "kept@example.com"}).id, made[1].id)
    for n in (2, 3):
        people.delete_contact(made[n].id)
    people.erase_contact(made[4].id)
    now = now_ms()
    await world.send(
        *[
            make_change(
                friend_id(n), contact=made[n].id, confirmed_at=now, may_create=permit() if n in (3, 4) else None
            )
            for n in range(5)
        ]
    )
    world.start_sink()
    ended = {one.friend: one for one in await world.settled()}
    assert [ended[friend_id(n)].result for n in range(5)] == ["updated", "merged", "gone", "created", "gone"]
    assert (ended[friend_id(1)].contact, ended[friend_id(1)].asked) == (survivor.id, made[1].id)
    assert ended[friend_id(2)].hubspot_at is not None
    reasons = {n: reason.code for n in (2, 4) if (reason := ended[friend_id(n)].reason)}
    assert reasons == {2: "archived", 4: "nowhere"}
    await world.stop_sink()


async def test_a_contact_of_another_tool_is_adopted(world: World) -> None:
    """The dummy address exists already: that contact gets our properties, its address and other fields stay."""
    old = world.hubspot.people.create_contact({"email": f"{friend_id(7)}@line.me", "firstname": "Hana"})
    await world.send(make_change(friend_id(7), may_create=permit()))
    world.start_sink()
    (outcome,) = await world.settled()
    assert (outcome.result, outcome.contact) == ("adopted", old.id)
    kept = world.hubspot.portal.contacts.active(old.id)
    assert kept is not None
    assert (kept.properties["firstname"], kept.properties["line_user_id_1"]) == ("Hana", friend_id(7))
    await world.stop_sink()


async def test_one_wrong_value_harms_nobody_else(world: World) -> None:
    """99 of 100 land in one call, and the one with a value that HubSpot refuses is rejected with its property."""
    bad = {"line_user_id_1": friend_id(0), "line_follow_1": "perhaps"}
    await world.send(
        make_change(friend_id(0), may_create=permit(), properties=bad),
        *[make_change(friend_id(n), may_create=permit()) for n in range(1, 100)],
    )
    world.start_sink()
    outcomes = await world.settled()
    (rejected,) = [one for one in outcomes if one.result != "created"]
    assert rejected.result == "rejected"
    assert rejected.reason is not None
    assert (rejected.reason.code, rejected.reason.property) == ("INVALID_OPTION", "line_follow_1")
    assert world.contact_calls() == 1
    await world.stop_sink()


async def test_a_record_no_one_can_read_becomes_a_dead_letter(world: World) -> None:
    """It and a record under a foreign key are kept byte for byte; their neighbours are written."""
    await world.send_raw(friend_id(1).encode(), b'{"friend": 1')
    await world.send_raw(friend_id(1).encode(), None)
    await world.send_raw(friend_id(1).encode(), encode(make_change(friend_id(2), may_create=permit())))
    await world.send_raw(friend_id(1).encode(), encode(make_change(friend_id(1), may_create=permit())))
    world.start_sink()
    (outcome,) = await world.settled()
    assert (outcome.friend, outcome.result) == (friend_id(1), "created")
    letters = [record async for record in read_log(world.brokers, DEAD_LETTERS.name)]
    assert [dict(letter.headers)["dl_reason"] for letter in letters] == [b"unreadable", b"key_mismatch"]
    assert (letters[0].key, letters[0].value) == (friend_id(1).encode(), b'{"friend": 1')
    await world.stop_sink()


async def test_later_changes_of_a_friend_follow_in_order(world: World) -> None:
    """Three changes of one friend are three writes in their order: the first creates, the others use its record."""
    texts = ["one", "two", "three"]
    changes = [
        make_change(
            friend_id(1),
            revision=place,
            may_create=permit(),
            properties={"line_user_id_1": friend_id(1), "line_last_response_1": text},
        )
        for place, text in enumerate(texts, 1)
    ]
    await world.send(*changes)
    world.start_sink()
    outcomes = await world.settled()
    assert [(one.revision, one.result) for one in outcomes] == [(1, "created"), (2, "updated"), (3, "updated")]
    contact = world.hubspot.portal.contacts.active(outcomes[0].contact or "")
    assert contact is not None
    assert contact.properties["line_last_response_1"] == "three"
    assert len({one.contact for one in outcomes}) == 1
    await world.stop_sink()


async def test_two_friends_merged_into_one_contact(world: World) -> None:
    """Each is told the survivor; the slot that names the other one is left alone and listed."""
    await world.send(*[make_change(friend_id(n), may_create=permit()) for n in (1, 2)])
    world.start_sink()
    made = {one.friend: one.contact or "" for one in await world.settled()}
    survivor = world.hubspot.people.merge_contacts(made[friend_id(1)], made[friend_id(2)])
    now = now_ms()
    await world.send(*[make_change(friend_id(n), 2, contact=made[friend_id(n)], confirmed_at=now) for n in (1, 2)])
    answers = {one.friend: one for one in await world.settled() if one.revision == 2}
    assert {one.result for one in answers.values()} == {"merged"}
    assert {one.contact for one in answers.values()} == {survivor.id}
    assert [answers[friend_id(n)].shadowed for n in (1, 2)] == [(), (1,)]
    kept = world.hubspot.portal.contacts.active(survivor.id)
    assert kept is not None
    assert kept.properties["line_user_id_1"] == friend_id(1)
    await world.stop_sink()


async def test_a_blocklisted_address_means_erased(world: World) -> None:
    """HubSpot refuses the address of somebody erased for privacy: the fold is told so."""
    world.hubspot.people.block_email(f"{friend_id(1)}@line.me")
    await world.send(make_change(friend_id(1), may_create=permit()), make_change(friend_id(2), may_create=permit()))
    world.start_sink()
    assert {one.friend: one.result for one in await world.settled()} == {
        friend_id(1): "erased",
        friend_id(2): "created",
    }
    await world.stop_sink()


async def test_outcomes_are_cloud_events_and_everything_is_counted(world: World) -> None:
    """Headers as the contract says; received = sent + discarded once nothing is in flight."""
    await world.send_raw(friend_id(1).encode(), b"no json")
    await world.send(*[make_change(friend_id(n), may_create=permit()) for n in range(3)])
    world.start_sink()
    await world.settled()
    (record, *_rest) = [one async for one in read_log(world.brokers, OUTCOMES.name)]
    headers = dict(record.headers)
    assert (headers["ce_type"], headers["ce_source"]) == (b"contact.outcome", b"/hubspot")
    assert headers["ce_id"].decode().startswith(record.key.decode() + ":1:")
    document = read_document(run_document_path(world.settings, "hubspot")) or {}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{document['url']}/readyz") as answer:
            assert answer.status == 200
        async with session.get(f"{document['url']}/metrics") as answer:
            text = await answer.text()
    counted = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(counted["received_events_total"]) == 4
    assert float(counted["sent_events_total"]) == 3
    assert float(counted['discarded_events_total{reason="unreadable"}']) == 1
    assert float(counted['outcomes_total{result="created"}']) == 3
    assert float(counted["in_flight_events"]) == 0
    await world.stop_sink()


async def test_what_was_written_ten_minutes_ago_is_known_before_the_first_change(world: World) -> None:
    """The fold forgot an answer in a crash and asks again: a contact that a person deleted since does not come back."""
    friend, trigger = friend_id(1), permit()
    deleted = world.hubspot.people.create_contact({"email": f"{friend}@line.me"})
    world.hubspot.people.delete_contact(deleted.id)
    then = now_ms() - 600_000
    answered = Outcome(
        friend=friend,
        revision=1,
        digest="d",
        trigger=Mark(id=trigger.id, at=trigger.at),
        result="created",
        contact=deleted.id,
        at=then,
        generation=1,
        attempts=1,
    )
    partition = partition_of(friend.encode(), world.settings.partitions)
    await world.appender.append(OUTCOMES.name, partition, [(friend.encode(), encode(answered), [])], timestamp=then)
    await world.send(make_change(friend, revision=2, may_create=trigger))
    world.start_sink()
    outcomes = await world.settled()
    assert [(one.result, one.asked) for one in outcomes[1:]] == [("gone", deleted.id)]
    assert world.hubspot.log.count("batch/create") == 0
    await world.stop_sink()
