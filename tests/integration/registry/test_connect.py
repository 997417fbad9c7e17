"""The whole way of a connection: simulated LINE and HubSpot over HTTP, the registry in real Kafka."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp import web

from clients.line import LineApi
from devkit.hubspot.options import PortalOptions
from devkit.hubspot.simulator import HubSpotSimulator
from devkit.line import LineSimulator
from devkit.line.faults import Fault
from devkit.line.signature import sign
from registry.applications import Application, read_connections_file
from registry.connect import Connector
from registry.log import Registry, load, read_known
from registry.property_setup import ensurer
from registry.reconcile import reconcile
from registry.secrets import live_secrets
from registry.view import ConnectionsView
from runtime.log_reader import read_log
from runtime.refusal import Refusal
from runtime.sealing import SealingKey
from runtime.settings import Secret, Settings
from schemas.connections import ConnectionRecord
from schemas.topics import CONNECTIONS


class Ingress:
    """Accepts what one of the secrets in the registry's view signed, as the true ingress does."""

    def __init__(self, view: ConnectionsView, key: SealingKey) -> None:
        self._view, self._key = view, key
        self.url = ""

    async def __aenter__(self) -> "Ingress":
        app = web.Application()
        app.router.add_post("/line/{number}", self._receive)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        record = self._view.get(int(request.match_info["number"]))
        if record is None or record.status in {"draft", "removed"}:
            return web.Response(status=404)
        body = await request.read()
        given = request.headers.get("x-line-signature", "")
        signed = [sign(secret.decode(), body) for secret in live_secrets(record, self._key, 0)]
        return web.Response(status=200 if given in signed else 401)


@dataclass
class World:
    line: LineSimulator
    hubspot: HubSpotSimulator
    ingress: Ingress
    view: ConnectionsView
    key: SealingKey
    brokers: str
    api: LineApi
    settings: Settings

    def connector(self, settings: Settings | None = None) -> Connector:
        registry = Registry(self.brokers)
        chosen = settings or self.settings
        return Connector(registry, self.api, self.key, ensurer(chosen, registry), chosen, seconds_between_tests=0.2)

    async def seen(self, number: int, status: str) -> ConnectionRecord:
        """The connection once our view shows it with this status."""
        async with asyncio.timeout(20):
            while (record := self.view.get(number)) is None or record.status != status:
                await self.view.changed.wait()
                self.view.changed.clear()
        return record


@pytest.fixture
async def world(brokers: str, settings_for: Callable[..., Settings]) -> AsyncIterator[World]:
    async with LineSimulator(seed=1) as line, HubSpotSimulator() as hubspot:
        view, key = ConnectionsView(brokers), SealingKey("a key for tests only, never for anything else")
        await view.start()
        async with Ingress(view, key) as ingress, LineApi(line.url, seconds=2.0) as api:
            settings = settings_for(
                line_api_url=line.url,
                hubspot_api_url=hubspot.url,
                hubspot_token=hubspot.token,
                public_url=ingress.url,
            )
            yield World(line, hubspot, ingress, view, key, brokers, api, settings)
        await view.stop()


def properties(world: World) -> set[str]:
    return {name for name in world.hubspot.portal.schema.active if name.startswith("line_")}


async def test_a_connection_is_made_and_line_s_signed_test_is_verified(world: World) -> None:
    shop = world.line.add_account(display_name="Shop")
    connected = await world.connector().add(
        Application(channel_id=shop.channel_id, channel_secret=Secret(shop.channel_secret))
    )
    assert connected.document()["status"] == "connected", connected.checks
    assert connected.webhook_url == shop.endpoint == f"{world.ingress.url}/line/1"
    assert len(properties(world)) == 7
    record = await world.seen(1, "connected")
    assert (record.bot_user_id, record.name) == (shop.bot_user_id, "Shop")
    assert (await read_known(world.brokers)).portal is not None


async def test_no_secret_is_readable_in_the_topic(world: World) -> None:
    shop = world.line.add_account()
    await world.connector().add(
        Application(channel_id=shop.channel_id, channel_secret=Secret(shop.channel_secret), webhook=False)
    )
    values = [r.value async for r in read_log(world.brokers, CONNECTIONS.name, read_committed=True)]
    assert values
    for value in values:
        for form in (shop.channel_secret.encode(), base64.b64encode(shop.channel_secret.encode())):
            assert form not in value


async def test_two_people_who_connect_one_account_at_once_make_one_connection(world: World) -> None:
    shop = world.line.add_account()
    application = Application(channel_id=shop.channel_id, channel_secret=Secret(shop.channel_secret), webhook=False)
    ended = await asyncio.gather(*[world.connector().add(application) for _ in range(2)], return_exceptions=True)
    assert len(await load(world.brokers)) == 1
    assert all(not isinstance(one, BaseException) or isinstance(one, Refusal) for one in ended), ended
    assert any(not isinstance(one, BaseException) for one in ended)


async def test_a_property_of_another_type_is_named_with_both_types(world: World) -> None:
    shop = world.line.add_account()
    application = Application(channel_id=shop.channel_id, channel_secret=Secret(shop.channel_secret), webhook=False)
    await _make_property(world, "line_follow_1", "string", "text")
    with pytest.raises(Refusal) as refused:
        await world.connector().add(application)
    assert refused.value.exit_code == 5
    for part in ("line_follow_1", "string", "enumeration"):
        assert part in refused.value.what
    assert (await load(world.brokers))[1].status == "draft"


async def test_a_token_of_another_portal_is_78(world: World, settings_for: Callable[..., Settings]) -> None:
    shop, other = world.line.add_account(), world.line.add_account()
    connect = world.connector()
    await connect.add(
        Application(channel_id=shop.channel_id, channel_secret=Secret(shop.channel_secret), webhook=False)
    )
    async with HubSpotSimulator(options=PortalOptions(portal_id=999)) as foreign:
        settings = settings_for(line_api_url=world.line.url, hubspot_api_url=foreign.url, hubspot_token=foreign.token)
        with pytest.raises(Refusal) as refused:
            await world.connector(settings).add(
                Application(channel_id=other.channel_id, channel_secret=Secret(other.channel_secret), webhook=False)
            )
    assert (refused.value.exit_code, refused.value.code) == (78, "other_portal")


async def test_the_file_is_applied_while_both_vendors_are_away_and_settles_when_they_are_back(
    world: World, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    first, second = world.line.add_account(display_name="First"), world.line.add_account(display_name="Second")
    path = tmp_path / "connections.json"
    path.write_bytes(
        orjson.dumps([{"channel_id": one.channel_id, "channel_secret": one.channel_secret} for one in (first, second)])
    )
    world.line.platform.faults.add(Fault(status=503, times=None))
    token = world.hubspot.token
    settings = settings_for(line_api_url=world.line.url, hubspot_api_url="http://127.0.0.1:1", hubspot_token=token)
    entries = read_connections_file(path)
    records = await world.connector(settings).apply(entries)
    assert [(r.number, r.channel_id, r.status) for r in records] == [
        (1, first.channel_id, "properties_pending"),
        (2, second.channel_id, "properties_pending"),
    ]
    waiting = await world.seen(2, "properties_pending")
    assert live_secrets(waiting, world.key, 0) == [second.channel_secret.encode()]
    world.line.platform.faults.clear()
    settling = asyncio.create_task(reconcile(world.connector(), world.view, pause=lambda _: asyncio.sleep(0.05)))
    after = [await world.seen(number, "connected") for number in (1, 2)]
    settling.cancel()
    assert [(r.name, r.bot_user_id) for r in after] == [
        ("First", first.bot_user_id),
        ("Second", second.bot_user_id),
    ]
    before = await load(world.brokers)
    await world.connector().apply(entries)
    assert await load(world.brokers) == before


async def test_all_connections_of_a_long_file_are_connected_at_the_start(world: World) -> None:
    """They are checked at once: their transactions would fence each other, were they not made one after the other."""
    shops = [world.line.add_account(display_name=f"Shop {place}") for place in range(10)]
    entries = [
        Application(channel_id=shop.channel_id, channel_secret=Secret(shop.channel_secret), webhook=False)
        for shop in shops
    ]
    records = await world.connector().apply(entries)
    assert [(record.number, record.name, record.status) for record in records] == [
        (place + 1, shop.display_name, "connected") for place, shop in enumerate(shops)
    ]


async def _make_property(world: World, name: str, kind: str, field: str) -> None:
    body = {"name": name, "label": name, "type": kind, "fieldType": field, "groupName": "contactinformation"}
    headers = {"Authorization": f"Bearer {world.hubspot.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{world.hubspot.url}/crm/v3/properties/contacts", json=body) as answer,
    ):
        assert answer.status == 201
