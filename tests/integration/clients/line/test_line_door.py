"""LINE's door against the simulated LINE, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web

from clients.line import LineApi, LineTrouble
from devkit.line import LineSimulator
from devkit.line.faults import Fault
from devkit.line.model import Account

TEXT = [{"type": "text", "text": "hello"}]
KEY = "123e4567-e89b-12d3-a456-426614174000"


@dataclass
class World:
    line: LineSimulator
    api: LineApi
    shop: Account
    token: str


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with LineSimulator(seed=1) as line, LineApi(line.url, seconds=1.0) as api:
        shop = line.add_account(display_name="Shop")
        issued = await api.issue_token(shop.channel_id, shop.channel_secret)
        assert 0 < issued.expires_in <= 900
        yield World(line, api, shop, issued.token)


async def test_a_wrong_secret_issues_no_token(world: World) -> None:
    with pytest.raises(LineTrouble) as trouble:
        await world.api.issue_token(world.shop.channel_id, "wrong")
    assert (trouble.value.status, trouble.value.passes) == (400, False)


async def test_the_bot_and_its_webhook(world: World) -> None:
    bot = await world.api.bot_info(world.token)
    assert (bot.user_id, bot.basic_id, bot.name) == (world.shop.bot_user_id, world.shop.basic_id, "Shop")
    assert await world.api.webhook_endpoint(world.token) is None
    await world.api.set_webhook_endpoint(world.token, "https://fs.example.com/line/1")
    endpoint = await world.api.webhook_endpoint(world.token)
    assert endpoint is not None
    assert (endpoint.url, endpoint.active) == ("https://fs.example.com/line/1", True)
    with pytest.raises(LineTrouble) as trouble:
        await world.api.set_webhook_endpoint(world.token, "not a url")
    assert trouble.value.status == 400


async def test_an_unverified_account_may_not_list_followers(world: World) -> None:
    assert await world.api.may_list_followers(world.token)
    world.shop.verified = False
    assert not await world.api.may_list_followers(world.token)


async def test_profiles_are_read_at_line_s_time_and_404_is_none(world: World) -> None:
    mari = world.line.add_user("Mari", picture_url="https://p.example/1")
    user_id = world.line.user_id(world.shop, mari)
    unknown = await world.api.profile(world.token, user_id)
    assert unknown.value is None
    assert unknown.at % 1000 == 0
    assert unknown.at > 1_700_000_000_000
    world.line.perform("follow", world.shop, mari)
    known = await world.api.profile(world.token, user_id)
    assert known.value is not None
    assert (known.value.name, known.value.picture) == ("Mari", "https://p.example/1")


async def test_each_call_names_its_own_token(world: World) -> None:
    other = world.line.add_account(display_name="Other")
    token = (await world.api.issue_token(other.channel_id, other.channel_secret)).token
    names = await asyncio.gather(*[world.api.bot_info(one) for one in (world.token, token) * 5])
    assert [bot.name for bot in names] == ["Shop", "Other"] * 5
    with pytest.raises(LineTrouble) as trouble:
        await world.api.bot_info("wrong")
    assert trouble.value.status == 401


async def test_a_push_is_accepted_once_for_one_retry_key(world: World) -> None:
    mari = world.line.add_user("Mari")
    world.line.perform("follow", world.shop, mari)
    user_id = world.line.user_id(world.shop, mari)
    first = await world.api.push(world.token, user_id, TEXT, retry_key=KEY)
    again = await world.api.push(world.token, user_id, TEXT, retry_key=KEY)
    assert (first.value.already, again.value.already) == (False, True)
    assert again.value.request_id == first.value.request_id
    assert len(world.line.sent) == 1


async def test_a_reply_token_works_once(world: World) -> None:
    mari = world.line.add_user("Mari")
    event = world.line.perform("message", world.shop, mari, text="hi")
    assert event is not None
    reply_token = str(event["replyToken"])
    assert not (await world.api.reply(world.token, reply_token, TEXT)).value.already
    with pytest.raises(LineTrouble) as trouble:
        await world.api.reply(world.token, reply_token, TEXT)
    assert trouble.value.reason == "invalid_reply_token"


async def test_a_message_object_that_is_none_is_a_bad_request(world: World) -> None:
    for messages in ([], [{"type": "telepathy"}], [{"text": "no type"}], ["text"], TEXT * 6):
        with pytest.raises(LineTrouble) as trouble:
            await world.api.push(world.token, "U" + "0" * 32, messages, retry_key=KEY)  # type: ignore[arg-type]  # odd on purpose
        assert (trouble.value.status, trouble.value.reason) == (400, "bad_request")


async def test_silence_and_broken_connections_are_trouble_that_passes(world: World) -> None:
    faults = (Fault(trouble="hang"), Fault(trouble="drop", times=None), Fault(status=503), Fault(status=429))
    for fault in faults:  # one dropped connection alone would be taken up again by aiohttp
        world.line.platform.faults.clear()
        world.line.platform.faults.add(fault)
        with pytest.raises(LineTrouble) as trouble:
            await world.api.bot_info(world.token)
        assert trouble.value.passes, fault
    async with LineApi("http://127.0.0.1:1") as nowhere:
        with pytest.raises(LineTrouble) as trouble:
            await nowhere.bot_info("t")
        assert trouble.value.reason == "unreachable"


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"{}", "unreadable_answer"), (b"<html>", "unreadable_answer"), (b"[1]", "unreadable_answer")],
)
async def test_a_success_of_another_shape_is_trouble(body: bytes, reason: str) -> None:
    async with _answering(200, body) as url, LineApi(url) as api:
        with pytest.raises(LineTrouble) as trouble:
            await api.profile("t", "U1")
        assert trouble.value.reason == reason


async def test_a_lone_surrogate_in_a_name_becomes_a_replacement_character() -> None:
    body = rb'{"userId":"U1","displayName":"Mari \ud83e","pictureUrl":"https://p.example/1"}'
    async with _answering(200, body) as url, LineApi(url) as api:
        profile = (await api.profile("t", "U1")).value
    assert profile is not None
    assert profile.name == "Mari �"


async def test_an_error_that_is_no_utf8_is_still_its_status() -> None:
    async with _answering(503, b"\xff\xfe") as url, LineApi(url) as api:
        with pytest.raises(LineTrouble) as trouble:
            await api.profile("t", "U1")
        assert trouble.value.passes


class _answering:  # noqa: N801  reads as what it does
    """A server that gives every request the same answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self._status, self._body = status, body

    async def __aenter__(self) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(status=self._status, body=self._body, content_type="application/json")


@pytest.mark.parametrize("answer", [{"body": b"null"}, {"body": b"{}", "status": 201}, {"body": b"[]"}, {"body": b""}])
async def test_an_answer_of_another_shape_is_trouble_of_ours_and_nothing_else(answer: dict[str, object]) -> None:
    """The SDK gives None for `null` and for every 2xx but 200: an AttributeError would end the sink again and again."""

    async def odd(_: web.Request) -> web.Response:
        return web.Response(content_type="application/json", **answer)  # type: ignore[arg-type]

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", odd)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with LineApi(f"http://127.0.0.1:{runner.addresses[0][1]}") as api:
            url = "https://fs.example.com/line/1"
            for call in (
                api.issue_token("2001", "secret"),
                api.bot_info("token"),
                api.profile("token", "U1"),
                api.webhook_endpoint("token"),
                api.test_webhook("token", url),
            ):
                with pytest.raises(LineTrouble, match="unreadable_answer"):
                    await call
    finally:
        await runner.cleanup()
