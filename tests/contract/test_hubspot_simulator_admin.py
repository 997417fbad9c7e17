"""The simulator as a process, and its admin API."""

import asyncio
import json
import signal
import sys

import aiohttp
import pytest

from devkit.hubspot import HubSpotSimulator

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
async def hubspot():
    async with HubSpotSimulator(seed=3) as simulator:
        yield simulator


@pytest.fixture
async def client(hubspot):
    headers = {"Authorization": f"Bearer {hubspot.token}"}
    async with aiohttp.ClientSession(hubspot.url, headers=headers) as session:
        yield session


@pytest.fixture
def ask(client):
    async def send(method, path, body=None, expected=200):
        async with client.request(method, path, json=body) as answer:
            assert answer.status == expected, await answer.text()
            return await answer.json() if answer.status != 204 else None

    return send


async def test_people_act_over_http(ask):
    """Everything a person does in HubSpot's screens."""
    one = await ask("POST", "/_admin/contacts", {"properties": {"email": "u1@line.me"}})
    two = await ask("POST", CONTACTS, {"properties": {"email": "u2@line.me"}}, 201)
    await ask(
        "PATCH", f"/_admin/contacts/{one['id']}", {"properties": {"email": "taro@example.com", "firstname": "太郎"}}
    )
    await ask("POST", f"/_admin/contacts/{one['id']}/archive")
    assert (await ask("GET", f"/_admin/contacts/{one['id']}"))["archived_at"] is not None
    await ask("POST", f"/_admin/contacts/{one['id']}/restore")
    survivor = await ask("POST", "/_admin/merge", {"primary": one["id"], "other": two["id"]})
    assert survivor["additional_emails"] == ["u2@line.me"]
    found = await ask("GET", "/_admin/contacts?email=taro@example.com")
    assert [contact["id"] for contact in found["results"]] == [survivor["id"]]
    await ask("POST", f"/_admin/contacts/{survivor['id']}/privacy-delete")
    state = await ask("GET", "/_admin/state")
    assert (state["contacts"], state["archived"]) == ([], [])
    assert state["merged"] == {one["id"]: survivor["id"], two["id"]: survivor["id"]}
    assert state["calls"] == {"create": {"201": 1}}
    kinds = [happening["kind"] for happening in (await ask("GET", "/_admin/happenings"))["results"]]
    expected = ["creation", "creation", "propertyChange", "deletion", "restore", "merge"]
    assert kinds == [*expected, "deletion", "privacyDeletion", "purge"]


async def test_faults_tokens_options_and_clock_over_http(ask):
    """What chaos tests need from outside the process."""
    await ask("POST", "/_admin/faults", {"effect": "apply-then-answer", "call": "create", "status": 502})
    await ask("POST", "/_admin/latency", {"fixed_ms": 1, "call": "list"})
    assert len((await ask("GET", "/_admin/faults"))["orders"]) == 1
    await ask("DELETE", "/_admin/faults")
    assert await ask("GET", "/_admin/faults") == {"orders": [], "latencies": []}
    await ask("POST", "/_admin/tokens/withdraw", {})
    await ask("GET", CONTACTS, expected=401)
    await ask("POST", "/_admin/tokens/restore", {})
    await ask("POST", "/_admin/tokens/withdraw-scope", {"scope": "crm.objects.contacts.read"})
    await ask("GET", CONTACTS, expected=403)
    await ask("POST", "/_admin/tokens/grant-scope", {"scope": "crm.objects.contacts.read"})
    await ask("PATCH", "/_admin/options", {"burst_limit": 1})
    await ask("GET", CONTACTS)
    await ask("GET", CONTACTS, expected=429)
    await ask("POST", "/_admin/clock", {"ms": 10_000})
    await ask("GET", CONTACTS)
    log = await ask("GET", "/_admin/calls?after=1")
    assert log["counts"]["list"] == {"200": 2, "401": 1, "403": 1, "429": 1}
    assert [entry["number"] for entry in log["entries"]] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/_admin/faults", {"effect": "explode"}, 400),
        ("PATCH", "/_admin/options", {"speed": 1}, 400),
        ("POST", "/_admin/contacts/17/archive", None, 404),
        ("POST", "/_admin/contacts/17/explode", None, 404),
        ("GET", "/_admin/contacts/17", None, 404),
        ("POST", "/_admin/contacts", {"properties": {"email": "no"}}, 400),
    ],
)
async def test_wrong_admin_requests_are_refused(ask, method, path, body, expected):
    """With a message, never with a 500."""
    assert (await ask(method, path, body, expected))["message"]


async def test_reset_begins_again(ask, hubspot):
    """Ids repeat, and properties stay if asked for."""
    group = {"name": "line", "label": "LINE"}
    await ask("POST", "/crm/v3/properties/contacts/groups", group, 201)
    first = await ask("POST", CONTACTS, {"properties": {"email": "u1@line.me"}}, 201)
    await ask("POST", "/_admin/reset", {"keep_properties": True})
    assert hubspot.people.contacts() == []
    again = await ask("POST", CONTACTS, {"properties": {"email": "u1@line.me"}}, 201)
    assert again["id"] == first["id"]
    await ask("POST", "/crm/v3/properties/contacts/groups", group, 409)
    await ask("POST", "/_admin/reset")
    await ask("POST", "/crm/v3/properties/contacts/groups", group, 201)


async def test_it_runs_as_a_process_with_a_ready_file(tmp_path):
    """Token and options come from arguments; SIGTERM ends it with 0."""
    ready = tmp_path / "ready.json"
    arguments = ["--ready-file", str(ready), "--token", "pat-x", "--option", "time_zone=US/Eastern"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "devkit.hubspot", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        announced = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert announced == json.loads(ready.read_bytes()) == {"url": announced["url"], "pid": process.pid}
        headers = {"Authorization": "Bearer pat-x"}
        async with (
            aiohttp.ClientSession(announced["url"], headers=headers) as session,
            session.get("/account-info/v3/details") as answer,
        ):
            assert (await answer.json())["timeZone"] == "US/Eastern"
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
