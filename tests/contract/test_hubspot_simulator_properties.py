"""The official SDK makes, reads and archives properties and groups in the simulator."""

import asyncio
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.properties import ApiException
from hubspot.crm.properties.models import BatchResponseProperty, BatchResponsePropertyWithErrors

from devkit.hubspot import HubSpotSimulator

YES_NO = [
    {"label": "Yes", "value": "true", "displayOrder": 0, "hidden": False},
    {"label": "No", "value": "false", "displayOrder": 1, "hidden": False},
]
SEVEN = [
    ("line_user_id_1", "LINE User ID _ 1", "string", "text", []),
    ("line_user_name_1", "LINE User Name _ 1", "string", "text", []),
    ("line_user_picture_1", "LINE User Picture _ 1", "string", "text", []),
    ("line_follow_1", "LINE Follow _ 1", "enumeration", "booleancheckbox", YES_NO),
    ("line_id_sync_date_1", "LINE ID Sync Date _ 1", "datetime", "date", []),
    ("line_unanswered_1", "LINE Unanswered _ 1", "enumeration", "booleancheckbox", YES_NO),
    ("line_last_response_1", "LINE Last Response _ 1", "string", "textarea", []),
]
INPUTS = [
    {
        "name": name,
        "label": label,
        "type": kind,
        "fieldType": field,
        "groupName": "line_integration",
        "options": options,
    }
    for name, label, kind, field, options in SEVEN
]


@pytest.fixture
async def hubspot():
    async with HubSpotSimulator(seed=3) as simulator:
        properties = HubSpot(access_token=simulator.token, host=simulator.url).crm.properties
        group = {"name": "line_integration", "label": "LINE", "displayOrder": -1}
        await asyncio.to_thread(properties.groups_api.create, "contacts", group)
        yield simulator


def properties(simulator: HubSpotSimulator) -> Any:
    return HubSpot(access_token=simulator.token, host=simulator.url).crm.properties


async def test_the_seven_properties_of_a_connection(hubspot):
    """Made in one batch, read back with their labels, refused the second time."""
    api = properties(hubspot).batch_api
    made = await asyncio.to_thread(api.create, "contacts", {"inputs": INPUTS})
    assert type(made) is BatchResponseProperty
    assert {one.label for one in made.results} == {label for _, label, *_ in SEVEN}
    again = await asyncio.to_thread(api.create, "contacts", {"inputs": INPUTS})
    assert type(again) is BatchResponsePropertyWithErrors
    assert (again.results, again.num_errors, again.errors[0].category) == ([], 7, "OBJECT_ALREADY_EXISTS")
    follow = await asyncio.to_thread(properties(hubspot).core_api.get_by_name, "contacts", "line_follow_1")
    assert [option.value for option in follow.options] == ["true", "false"]
    assert follow.modification_metadata.read_only_value is False


async def test_values_of_the_seven_properties(hubspot):
    """Booleans as texts, datetimes back in ISO 8601; anything else is an item of a 207."""
    await asyncio.to_thread(properties(hubspot).batch_api.create, "contacts", {"inputs": INPUTS})
    api = HubSpot(access_token=hubspot.token, host=hubspot.url).crm.contacts.batch_api
    good = {"email": "u1@line.me", "line_follow_1": "true", "line_id_sync_date_1": "2026-10-20T03:11:22.123Z"}
    bad = {"email": "u2@line.me", "line_follow_1": "Yes"}
    inputs = [{"objectWriteTraceId": str(n), "properties": values} for n, values in enumerate((good, bad))]
    answer = await asyncio.to_thread(api.create, {"inputs": inputs})
    assert answer.results[0].properties["line_id_sync_date_1"] == "2026-10-20T03:11:22.123Z"
    assert answer.errors[0].context == {"objectWriteTraceId": ["1"]}
    assert "INVALID_OPTION" in answer.errors[0].message
    assert "[true, false]" in answer.errors[0].message


async def test_an_active_name_is_409_and_an_archived_one_comes_back(hubspot):
    """201 with the old definition."""
    api = properties(hubspot).core_api
    await asyncio.to_thread(api.create, "contacts", INPUTS[0])
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(api.create, "contacts", INPUTS[0])
    assert raised.value.status == 409
    assert "Properties.PROPERTY_WITH_NAME_EXISTS" in raised.value.body
    await asyncio.to_thread(api.archive, "contacts", "line_user_id_1")
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(api.get_by_name, "contacts", "line_user_id_1")
    assert raised.value.status == 404
    archived = await asyncio.to_thread(api.get_all, "contacts", archived=True)
    assert [one.name for one in archived.results] == ["line_user_id_1"]
    restored = await asyncio.to_thread(api.create, "contacts", {**INPUTS[0], "type": "number", "fieldType": "number"})
    assert (restored.type, restored.archived) == ("string", False)


async def test_groups(hubspot):
    """Read, changed, refused twice, and kept while properties are in them."""
    api = properties(hubspot).groups_api
    assert (await asyncio.to_thread(api.get_by_name, "contacts", "line_integration")).label == "LINE"
    changed = await asyncio.to_thread(api.update, "contacts", "line_integration", {"label": "LINE!"})
    assert changed.label == "LINE!"
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(api.create, "contacts", {"name": "line_integration", "label": "LINE"})
    assert raised.value.status == 409
    await asyncio.to_thread(properties(hubspot).core_api.create, "contacts", INPUTS[0])
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(api.archive, "contacts", "line_integration")
    assert "GROUP_WITH_ACTIVE_PROPERTIES" in raised.value.body
    names = [group.name for group in (await asyncio.to_thread(api.get_all, "contacts")).results]
    assert names == ["contactinformation", "emailinformation", "line_integration"]
