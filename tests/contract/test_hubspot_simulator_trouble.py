"""Refusals, limits and broken connections, as real clients see them."""

import asyncio

import aiohttp
import pytest
from hubspot import HubSpot
from hubspot.crm.contacts import ApiException
from hubspot.crm.contacts.exceptions import ForbiddenException, UnauthorizedException

from devkit.hubspot import HubSpotSimulator

CREATE = "/crm/v3/objects/contacts/batch/create"
BODY = {"inputs": [{"objectWriteTraceId": "t", "properties": {"email": "u1@line.me"}}]}


@pytest.fixture
async def hubspot():
    async with HubSpotSimulator(seed=3) as simulator:
        yield simulator


@pytest.fixture
async def client(hubspot):
    headers = {"Authorization": f"Bearer {hubspot.token}"}
    async with aiohttp.ClientSession(hubspot.url, headers=headers) as session:
        yield session


async def refused(simulator: HubSpotSimulator, token: str) -> ApiException:
    api = HubSpot(access_token=token, host=simulator.url).crm.contacts.batch_api
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(api.create, BODY)
    return raised.value


async def test_a_wrong_token_is_401(hubspot):
    """The SDK has a class of its own for it."""
    assert type(await refused(hubspot, "pat-other")) is UnauthorizedException
    hubspot.access.withdraw()
    assert (await refused(hubspot, hubspot.token)).status == 401


async def test_a_withdrawn_scope_is_403(hubspot):
    """And is named."""
    hubspot.access.withdraw_scope("crm.objects.contacts.write")
    error = await refused(hubspot, hubspot.token)
    assert type(error) is ForbiddenException
    assert '"requiredGranularScopes":["crm.objects.contacts.write"]' in error.body


async def test_over_the_limit_is_429_with_headers(hubspot):
    """Without Retry-After, as HubSpot documents none."""
    hubspot.options.burst_limit = 1
    api = HubSpot(access_token=hubspot.token, host=hubspot.url).crm.contacts.batch_api
    await asyncio.to_thread(api.create, BODY)
    error = await refused(hubspot, hubspot.token)
    assert (error.status, error.headers["X-HubSpot-RateLimit-Remaining"]) == (429, "0")
    assert "TEN_SECONDLY_ROLLING" in error.body
    assert "Retry-After" not in error.headers


async def test_an_html_body_with_5xx(hubspot):
    """What the edge answers is no JSON."""
    hubspot.faults.answer_next("batch/create", 503)
    error = await refused(hubspot, hubspot.token)
    assert error.status == 503
    assert error.body.startswith("<html>")


async def test_applied_but_answered_502(hubspot, client):
    """The repeat runs into the conflict that names the contact."""
    hubspot.faults.apply_then("batch/create", 502)
    async with client.post(CREATE, json=BODY) as answer:
        assert answer.status == 502
    (contact,) = hubspot.people.contacts()
    async with client.post(CREATE, json=BODY) as answer:
        assert answer.status == 207
        assert (await answer.json())["errors"][0]["context"]["existingId"] == [contact.id]


async def test_applied_but_never_answered(hubspot, client):
    """The client gives up first, the write stays."""
    hubspot.faults.apply_then_timeout("batch/create")
    with pytest.raises(TimeoutError):
        await client.post(CREATE, json=BODY, timeout=aiohttp.ClientTimeout(total=0.1))
    assert len(hubspot.people.contacts()) == 1


@pytest.mark.parametrize("applied", [False, True])
async def test_a_dropped_connection(hubspot, client, applied):
    """Before or after the write."""
    hubspot.faults.drop_next("batch/create", applied=applied)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.post(CREATE, json=BODY)
    assert len(hubspot.people.contacts()) == int(applied)


async def test_applied_after_the_client_has_gone(hubspot, client):
    """A create that HubSpot carries out late."""
    hubspot.faults.apply_late("batch/create", delay_ms=20)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.post(CREATE, json=BODY)
    assert hubspot.people.contacts() == []
    for _ in range(500):
        if hubspot.people.contacts():
            break
        await asyncio.sleep(0.01)
    assert len(hubspot.people.contacts()) == 1


async def test_latency(hubspot, client):
    """The write is applied at once, the answer comes too late for a short deadline."""
    hubspot.faults.add_latency(fixed_ms=5_000, call="batch/create")
    with pytest.raises(TimeoutError):
        await client.post(CREATE, json=BODY, timeout=aiohttp.ClientTimeout(total=0.1))
    assert len(hubspot.people.contacts()) == 1
    assert hubspot.log.count("batch/create", 201) == 1
