"""Both doors to HubSpot against the simulated portal: no Kafka."""

from __future__ import annotations

import pytest

from clients.hubspot.contacts import ContactsApi, open_session
from clients.hubspot.properties import EnsureReport, PropertiesApi
from clients.hubspot.troubles import (
    HubSpotTrouble,
    MissingScopes,
    RateLimited,
    Refused,
    ServerTrouble,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from devkit.hubspot import HubSpotSimulator
from devkit.hubspot.faults import Fault
from domain.contact_properties import connection_properties
from tests.integration.sinks.hubspot.world import TOKEN

NAMES = tuple(one.name for one in connection_properties(1))


async def test_properties_are_ensured_idempotently(hubspot: HubSpotSimulator) -> None:
    """Made the first time with group, labels and options; adopted the second time, without a write."""
    api = PropertiesApi(hubspot.url, TOKEN)
    assert await api.ensure_connection_properties([1]) == EnsureReport(created=NAMES)
    follow = hubspot.portal.schema.active["line_follow_1"].view()
    assert (follow["label"], follow["groupName"]) == ("LINE Follow _ 1", "line_integration")
    assert [(one["value"], one["label"]) for one in follow["options"]] == [("true", "Yes"), ("false", "No")]
    assert hubspot.portal.schema.groups["line_integration"].view()["label"] == "LINE"
    writes = hubspot.log.count("properties/create")
    assert await api.ensure_connection_properties([1]) == EnsureReport(adopted=NAMES)
    assert hubspot.log.count("properties/create") == writes


async def test_an_archived_property_is_restored(hubspot: HubSpotSimulator) -> None:
    """It comes back from the bin; the other six are adopted."""
    api = PropertiesApi(hubspot.url, TOKEN)
    await api.ensure_connection_properties([1])
    hubspot.people.delete_property("line_user_name_1")
    report = await api.ensure_connection_properties([1])
    assert report.restored == ("line_user_name_1",)
    assert len(report.adopted) == 6


async def test_a_wrong_type_is_refused_and_nothing_is_made(hubspot: HubSpotSimulator) -> None:
    """In the active list and in the bin: both types are named, and the portal stays as it was."""
    schema = hubspot.portal.schema
    group = {"name": "mine", "label": "Mine"}
    schema.create_group(group)
    wrong = {"name": "line_follow_1", "label": "x", "type": "number", "fieldType": "number", "groupName": "mine"}
    schema.create(wrong, hubspot.now())
    for _place in ("active", "bin"):
        report = await PropertiesApi(hubspot.url, TOKEN).ensure_connection_properties([1])
        assert [(one.name, one.wanted, one.found) for one in report.wrong] == [
            ("line_follow_1", "enumeration/booleancheckbox", "number/number")
        ]
        assert report.created == report.restored == ()
        assert "line_user_id_1" not in schema.active
        if "line_follow_1" in schema.active:
            hubspot.people.delete_property("line_follow_1")


async def test_a_property_made_by_somebody_at_the_same_time_is_read_again(hubspot: HubSpotSimulator) -> None:
    """409: it is there, and looked at."""
    hubspot.faults.order(Fault(effect="apply-then-answer", call="properties/create", status=409))
    report = await PropertiesApi(hubspot.url, TOKEN).ensure_connection_properties([1])
    assert report.created == NAMES
    assert report.wrong == ()


async def test_the_property_door_tells_its_troubles(hubspot: HubSpotSimulator) -> None:
    """A wrong token, a missing scope, a refused limit, no server, no answer."""
    with pytest.raises(Unauthorized):
        await PropertiesApi(hubspot.url, "other").ensure_connection_properties([1])
    hubspot.access.withdraw_scope("crm.schemas.contacts.write")
    with pytest.raises(MissingScopes) as missing:
        await PropertiesApi(hubspot.url, TOKEN).ensure_connection_properties([1])
    assert "crm.schemas.contacts.write" in missing.value.scopes
    hubspot.access.grant_scope("crm.schemas.contacts.write")
    hubspot.faults.answer_next("properties/list", 429)
    with pytest.raises(RateLimited):
        await PropertiesApi(hubspot.url, TOKEN).ensure_connection_properties([1])
    with pytest.raises(Unreachable):
        await PropertiesApi("http://127.0.0.1:9", TOKEN).ensure_connection_properties([1])
    hubspot.faults.add_latency(fixed_ms=3000)
    with pytest.raises(TimedOut):
        await PropertiesApi(hubspot.url, TOKEN, timeout=0.3).ensure_connection_properties([1])


async def test_contacts_are_written_and_read(hubspot: HubSpotSimulator) -> None:
    """Create, update, read by id and by email, list, read from the bin; limits come with every answer."""
    await PropertiesApi(hubspot.url, TOKEN).ensure_connection_properties([1])
    async with open_session() as session:
        api = ContactsApi(hubspot.url, TOKEN, session)
        made = await api.batch_create([("t1", {"email": "a@line.me", "line_user_id_1": "U1"})])
        (contact,) = made.found
        assert (made.status, contact.trace, made.limits.most) == (201, "t1", 190)
        updated = await api.batch_update([(contact.id, "t2", {"line_follow_1": "true"})])
        assert [one.id for one in updated.found] == [contact.id]
        by_email = await api.batch_read(["a@line.me"], ["line_follow_1"], id_property="email")
        assert by_email.found[0].properties["line_follow_1"] == "true"
        page = await api.page(["line_user_id_1"])
        assert [one.properties["line_user_id_1"] for one in page.contacts] == ["U1"]
        assert page.after is None
        hubspot.people.delete_contact(contact.id)
        gone = await api.batch_read([contact.id], ["email"])
        assert (gone.status, gone.errors[0].not_found, gone.errors[0].ids) == (207, True, (contact.id,))
        binned = await api.batch_read([contact.id], ["email"], archived=True)
        assert binned.found[0].archived_at is not None


async def test_a_list_is_walked_page_by_page(hubspot: HubSpotSimulator) -> None:
    """Until no `after` is given."""
    for number in range(7):
        hubspot.people.create_contact({"email": f"u{number}@line.me"})
    async with open_session() as session:
        api = ContactsApi(hubspot.url, TOKEN, session)
        seen, after = [], None
        while True:
            page = await api.page(["email"], after=after, limit=3)
            seen += [one.properties["email"] for one in page.contacts]
            after = page.after
            if after is None:
                break
    assert sorted(email or "" for email in seen) == [f"u{number}@line.me" for number in range(7)]


async def test_the_account_is_told(hubspot: HubSpotSimulator) -> None:
    """Portal, time zone and the host of record links."""
    async with open_session() as session:
        account = await ContactsApi(hubspot.url, TOKEN, session).account()
    assert (account.portal_id, account.ui_domain) == (hubspot.options.portal_id, "app.hubspot.com")
    assert account.utc_offset_ms == 9 * 3_600_000


@pytest.mark.parametrize("status", [403, 404])
async def test_a_token_that_may_not_ask_for_its_account_tells_none(hubspot: HubSpotSimulator, status: int) -> None:
    """The scope for it varies from portal to portal; contacts can be written all the same."""
    hubspot.faults.answer_next("account-info/details", status, body={"status": "error", "category": "MISSING_SCOPES"})
    async with open_session() as session:
        assert await ContactsApi(hubspot.url, TOKEN, session).account() is None


async def test_the_contact_door_tells_its_troubles(hubspot: HubSpotSimulator) -> None:
    """Each by its kind; a silent HubSpot costs no more than the timeout."""
    async with open_session(timeout=0.3) as session:
        api = ContactsApi(hubspot.url, TOKEN, session)
        one = [("t", {"email": "a@line.me"})]
        with pytest.raises(Unauthorized):
            await ContactsApi(hubspot.url, "other", session).batch_create(one)
        hubspot.faults.apply_then_timeout("batch/create", hold_ms=2000)
        with pytest.raises(TimedOut):
            await api.batch_create(one)
        hubspot.faults.drop_next("batch/create")
        with pytest.raises(Unreachable):
            await api.batch_create(one)
        hubspot.faults.answer_next("batch/create", 502, body="<html>bad gateway</html>")
        with pytest.raises(ServerTrouble):
            await api.batch_create(one)
        hubspot.faults.answer_next("batch/create", 404)
        with pytest.raises(ServerTrouble):
            await api.batch_create(one)
        with pytest.raises(Refused) as refused:
            await api.batch_update([("1", "a", {}), ("1", "b", {})])
        assert refused.value.answer.status == 400
        again = await api.batch_create(one)
        assert (again.status, again.errors[0].conflict) == (207, True)
        assert again.errors[0].existing is not None


async def test_a_property_answer_that_nobody_can_read_is_trouble(hubspot: HubSpotSimulator) -> None:
    """A proxy's page with status 200, or nothing at all: waited out, like any other trouble of the portal."""
    api = PropertiesApi(hubspot.url, TOKEN)
    for body in (None, "<html></html>", {}):
        hubspot.faults.answer_next("properties/list", 200, body=body)
        with pytest.raises(HubSpotTrouble):
            await api.ensure_connection_properties([1])
    assert len((await api.ensure_connection_properties([1])).created) == 7
