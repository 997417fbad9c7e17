"""The portal in trouble: everything is kept, said, and goes on by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clients.hubspot.properties import PropertiesApi
from devkit.hubspot.faults import Fault
from runtime.process import read_document, run_document_path
from tests.integration.sinks.hubspot.world import TOKEN, World, friend_id, make_change, permit, until


def said(world: World) -> dict[str, Any]:
    return read_document(run_document_path(world.settings, "hubspot")) or {}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 423])
async def test_a_passing_trouble_delays_only(world: World, status: int) -> None:
    """Two refused calls, then success: every friend has one contact, nothing is parked or dead-lettered."""
    world.hubspot.faults.answer_next("batch/create", status, times=2)
    await world.send(*[make_change(friend_id(n), may_create=permit()) for n in range(20)])
    world.start_sink()
    outcomes = await world.settled(60)
    assert [one.result for one in outcomes] == ["created"] * 20
    assert world.hubspot.log.count("batch/create") == 3
    await world.stop_sink()


@pytest.mark.parametrize("effect", ["apply-then-answer", "apply-then-drop"])
async def test_a_creation_without_an_answer_is_adopted(world: World, effect: Any) -> None:
    """HubSpot did it and did not say so: the repetition ends in CONFLICT, and the same contact is taken over."""
    world.hubspot.faults.order(Fault(effect=effect, call="batch/create", status=502))
    await world.send(*[make_change(friend_id(n), may_create=permit()) for n in range(20)])
    world.start_sink()
    outcomes = await world.settled()
    assert {one.result for one in outcomes} == {"adopted"}
    contacts = list(world.hubspot.portal.contacts.after(0, archived=False))
    assert sorted(c.properties["line_user_id_1"] for c in contacts) == sorted(friend_id(n) for n in range(20))
    await world.stop_sink()


async def test_a_withdrawn_token_pauses_and_resumes(world: World) -> None:
    """401: the sink says so and keeps the change; when the token works again it goes on without a restart."""
    world.start_sink()
    await world.send(make_change(friend_id(1), may_create=permit()))
    await world.settled()
    world.hubspot.access.withdraw()
    await world.send(make_change(friend_id(2), may_create=permit()))

    async def paused() -> bool:
        return said(world).get("paused") == "token_rejected"

    await until(paused)
    assert said(world)["ready"]
    assert not await world.idle()
    world.hubspot.access.restore()
    assert [one.result for one in await world.settled()] == ["created", "created"]

    async def resumed() -> bool:
        return "paused" not in said(world)

    await until(resumed)
    await world.stop_sink()


async def test_a_withdrawn_scope_is_named(world: World) -> None:
    """403: the missing scope is in the reason."""
    world.hubspot.access.withdraw_scope("crm.objects.contacts.write")
    await world.send(make_change(friend_id(1), may_create=permit()))
    world.start_sink()

    async def named() -> bool:
        return "crm.objects.contacts.write" in said(world).get("reason", "")

    await until(named)
    world.hubspot.access.grant_scope("crm.objects.contacts.write")
    assert [one.result for one in await world.settled()] == ["created"]
    await world.stop_sink()


async def test_a_missing_property_is_made_again(world: World) -> None:
    """Somebody deletes a property: the sink ensures it and repeats the call; nobody is rejected."""
    world.hubspot.people.delete_property("line_follow_1")
    await world.send(*[make_change(friend_id(n), may_create=permit()) for n in range(30)])
    world.start_sink()
    outcomes = await world.settled()
    assert {one.result for one in outcomes} == {"created"}
    assert "line_follow_1" in world.hubspot.portal.schema.active
    await world.stop_sink()


async def test_a_property_of_another_type_pauses_with_both_types(world: World) -> None:
    """A person replaced a property by one of another type: the sink names it and both types, and loses nothing."""
    world.hubspot.people.delete_property("line_follow_1")
    world.hubspot.portal.schema.archived.pop("line_follow_1")
    wrong = {
        "name": "line_follow_1",
        "label": "x",
        "type": "number",
        "fieldType": "number",
        "groupName": "line_integration",
    }
    report = await PropertiesApi(world.hubspot.url, TOKEN).ensure_connection_properties([2])
    assert len(report.adopted) == 7
    world.hubspot.portal.schema.create(wrong, world.hubspot.now())
    report = await PropertiesApi(world.hubspot.url, TOKEN).ensure_connection_properties([1])
    assert [str(one) for one in report.wrong] == [
        "the contact property line_follow_1 has the type number/number, it must have enumeration/booleancheckbox"
    ]


async def test_a_rejected_batch_is_taken_apart(world: World) -> None:
    """HubSpot refuses whole calls that hold one friend: 99 land, one is rejected, at most 14 calls more than one."""
    changes = [make_change(friend_id(n), may_create=permit()) for n in range(100)]
    body = {"status": "error", "category": "VALIDATION_ERROR", "message": "no"}
    world.hubspot.faults.order(Fault(call="batch/create", status=400, body=body, containing=friend_id(42), times=None))
    await world.send(*changes)
    world.start_sink()
    outcomes = await world.settled()
    assert sum(one.result == "created" for one in outcomes) == 99
    assert [one.friend for one in outcomes if one.result == "rejected"] == [friend_id(42)]
    assert world.contact_calls() <= 15
    await world.stop_sink()


async def test_too_many_rejections_are_our_bug(world: World) -> None:
    """After 20 distinct friends in a row the sink pauses, and the others are neither rejected nor lost."""
    bad = [
        make_change(
            friend_id(n), may_create=permit(), properties={"line_user_id_1": friend_id(n), "line_follow_1": "perhaps"}
        )
        for n in range(50)
    ]
    await world.send(*bad)
    world.start_sink()

    async def paused() -> bool:
        return said(world).get("paused") == "too_many_rejections"

    await until(paused)
    assert len(await world.outcomes()) == 20
    assert not await world.idle()
    await world.stop_sink()


async def test_without_a_token_the_sink_is_paused_not_dead(world: World) -> None:
    """An unset token is said with the name of its setting; the process lives and keeps its place in the group."""
    world.settings = replace(world.settings, hubspot_token=None)
    task = world.start_sink()
    await world.send(make_change(friend_id(1), may_create=permit()))

    async def paused() -> bool:
        return said(world).get("paused") == "token_missing"

    await until(paused)
    assert not task.done()
    assert "FRIENDSTREAM_HUBSPOT_TOKEN" in said(world)["reason"]
    await world.stop_sink()
