"""The official SDK gets from the simulator what it gets from HubSpot: contacts and their batches."""

import asyncio
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.contacts import ApiException
from hubspot.crm.contacts.models import (
    BatchResponseSimplePublicObject,
    BatchResponseSimplePublicObjectWithErrors,
    BatchResponseSimplePublicUpsertObject,
)

from devkit.hubspot import HubSpotSimulator


@pytest.fixture
async def hubspot():
    async with HubSpotSimulator(seed=3) as simulator:
        yield simulator


def contacts(simulator: HubSpotSimulator) -> Any:
    return HubSpot(access_token=simulator.token, host=simulator.url).crm.contacts


def creations(*emails: str) -> dict[str, Any]:
    return {"inputs": [{"objectWriteTraceId": email, "properties": {"email": email}} for email in emails]}


async def created(simulator: HubSpotSimulator, *emails: str) -> list[str]:
    answer = await asyncio.to_thread(contacts(simulator).batch_api.create, creations(*emails))
    ids = {one.object_write_trace_id: one.id for one in answer.results}
    return [ids[email] for email in emails]


async def test_batch_create_then_conflict(hubspot):
    """201 becomes a plain response, 207 one with errors that name the existing id."""
    api = contacts(hubspot).batch_api
    first = await asyncio.to_thread(api.create, creations("u1@line.me", "u2@line.me"))
    assert type(first) is BatchResponseSimplePublicObject
    assert {one.properties["email"] for one in first.results} == {"u1@line.me", "u2@line.me"}
    second = await asyncio.to_thread(api.create, creations("u2@line.me", "u3@line.me"))
    assert type(second) is BatchResponseSimplePublicObjectWithErrors
    assert (second.num_errors, second.errors[0].category) == (1, "CONFLICT")
    existing = next(one.id for one in first.results if one.object_write_trace_id == "u2@line.me")
    assert second.errors[0].context == {"objectWriteTraceId": ["u2@line.me"], "existingId": [existing]}
    assert [one.object_write_trace_id for one in second.results] == ["u3@line.me"]


async def test_batch_create_without_trace_ids_is_409_as_a_whole(hubspot):
    """The existing id stands in the text only."""
    (existing,) = await created(hubspot, "u1@line.me")
    body = {"inputs": [{"properties": {"email": "u9@line.me"}}, {"properties": {"email": "U1@line.me"}}]}
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(contacts(hubspot).batch_api.create, body)
    assert raised.value.status == 409
    assert f"Existing ID: {existing}" in raised.value.body
    assert len(hubspot.people.contacts()) == 1


async def test_batch_update_of_a_live_a_deleted_and_a_merged_contact(hubspot):
    """Three outcomes in one 207: a result, an OBJECT_NOT_FOUND, and silence."""
    live, deleted, primary, other = await created(hubspot, "u1@line.me", "u2@line.me", "u3@line.me", "u4@line.me")
    hubspot.people.delete_contact(deleted)
    survivor = hubspot.people.merge_contacts(primary, other)
    inputs = [
        {"id": key, "objectWriteTraceId": key, "properties": {"firstname": "太郎"}} for key in (live, deleted, other)
    ]
    api = contacts(hubspot).batch_api
    answer = await asyncio.to_thread(api.update, {"inputs": inputs})
    assert type(answer) is BatchResponseSimplePublicObjectWithErrors
    assert [one.id for one in answer.results] == [live]
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"
    assert answer.errors[0].context == {"ids": [deleted], "objectWriteTraceId": [deleted]}
    found = await asyncio.to_thread(api.read, {"properties": ["email"], "inputs": [{"id": other}]})
    assert [one.id for one in found.results] == [survivor.id]
    assert found.results[0].properties["email"] == "u3@line.me"


async def test_batch_upsert_and_archive(hubspot):
    """Upsert says what is new; archive answers nothing."""
    (known,) = await created(hubspot, "u1@line.me")
    api = contacts(hubspot).batch_api
    inputs = [
        {"id": mail, "idProperty": "email", "properties": {"lastname": "x"}} for mail in ("u1@line.me", "u2@line.me")
    ]
    answer = await asyncio.to_thread(api.upsert, {"inputs": inputs})
    assert type(answer) is BatchResponseSimplePublicUpsertObject
    assert {one.id == known: one.new for one in answer.results} == {True: False, False: True}
    assert await asyncio.to_thread(api.archive, {"inputs": [{"id": known}, {"id": "17"}]}) is None
    archived = await asyncio.to_thread(api.read, {"properties": [], "inputs": [{"id": known}]}, archived=True)
    assert archived.results[0].archived is True
    assert archived.results[0].archived_at is not None


async def test_duplicates_and_too_many_inputs_are_400(hubspot):
    """For the whole batch."""
    (record,) = await created(hubspot, "u1@line.me")
    for keys in ([record, record], [str(number) for number in range(101)]):
        with pytest.raises(ApiException) as raised:
            await asyncio.to_thread(
                contacts(hubspot).batch_api.update, {"inputs": [{"id": key, "properties": {}} for key in keys]}
            )
        assert raised.value.status == 400


async def test_single_calls_merge_and_privacy_deletion(hubspot):
    """The basic API end to end."""
    api = contacts(hubspot).basic_api
    one = await asyncio.to_thread(api.create, {"properties": {"email": "u1@line.me"}})
    two = await asyncio.to_thread(api.create, {"properties": {"email": "u2@line.me"}})
    await asyncio.to_thread(api.update, two.id, {"properties": {"firstname": "x"}})
    by_email = await asyncio.to_thread(
        api.get_by_id, "u2@line.me", id_property="email", properties=["firstname", "city"]
    )
    assert (by_email.id, by_email.properties["firstname"], by_email.properties["city"]) == (two.id, "x", None)
    survivor = await asyncio.to_thread(api.merge, {"primaryObjectId": one.id, "objectIdToMerge": two.id})
    assert survivor.id not in (one.id, two.id)
    page = await asyncio.to_thread(api.get_page, limit=10)
    assert [record.id for record in page.results] == [survivor.id]
    await asyncio.to_thread(api.purge, {"objectId": "u2@line.me", "idProperty": "email"})
    for archived in (False, True):
        with pytest.raises(ApiException) as raised:
            await asyncio.to_thread(api.get_by_id, survivor.id, archived=archived)
        assert raised.value.status == 404


async def test_the_sdk_pages_through_the_list(hubspot):
    """`after` works as the SDK's own walk expects."""
    await created(hubspot, *(f"u{number}@line.me" for number in range(100)))
    await created(hubspot, "last@line.me")
    everyone = await asyncio.to_thread(contacts(hubspot).get_all)
    assert len({record.id for record in everyone}) == 101


async def test_search_is_late(hubspot):
    """A contact just made is not found; after the lag it is."""
    await created(hubspot, "u1@line.me")
    body = {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": "u1@line.me"}]}]}
    api = contacts(hubspot).search_api
    assert (await asyncio.to_thread(api.do_search, body)).total == 0
    hubspot.clock_offset += hubspot.options.search_lag
    assert (await asyncio.to_thread(api.do_search, body)).total == 1
