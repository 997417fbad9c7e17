"""The simulated LINE driven by LINE's own SDK (v3, asynchronous)."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from linebot.v3.messaging import (
    ApiException,
    AsyncApiClient,
    AsyncMessagingApi,
    AsyncMessagingApiBlob,
    Configuration,
    MulticastRequest,
    PushMessageRequest,
    ReplyMessageRequest,
    SetWebhookEndpointRequest,
    TextMessage,
)
from linebot.v3.messaging import TestWebhookEndpointRequest as EndpointRequest
from linebot.v3.oauth import ApiException as OAuthException
from linebot.v3.oauth import AsyncApiClient as OAuthClient
from linebot.v3.oauth import AsyncChannelAccessToken
from linebot.v3.oauth import Configuration as OAuthConfiguration

from devkit.line import Account, LineSimulator, rate_limited, sign

NOW = 1_760_922_682_123


@pytest.fixture
async def line() -> AsyncIterator[LineSimulator]:
    async with LineSimulator(seed=1, now=lambda: NOW) as simulator:
        yield simulator


@pytest.fixture
def shop(line: LineSimulator) -> Account:
    return line.add_account(display_name="Shop", picture_url="https://profile.line-scdn.net/shop")


@asynccontextmanager
async def api(line: LineSimulator, account: Account) -> AsyncIterator[AsyncMessagingApi]:
    async with AsyncApiClient(Configuration(host=line.url, access_token=line.long_lived_token(account))) as client:
        yield AsyncMessagingApi(client)


@asynccontextmanager
async def oauth(line: LineSimulator) -> AsyncIterator[AsyncChannelAccessToken]:
    async with OAuthClient(OAuthConfiguration(host=line.url)) as client:
        yield AsyncChannelAccessToken(client)


async def test_a_stateless_token_lives_fifteen_minutes_and_opens_the_api(line: LineSimulator, shop: Account) -> None:
    async with oauth(line) as tokens:
        issued = await tokens.issue_stateless_channel_token(
            grant_type="client_credentials", client_id=shop.channel_id, client_secret=shop.channel_secret
        )
    assert (issued.token_type, issued.expires_in) == ("Bearer", 900)
    async with AsyncApiClient(Configuration(host=line.url, access_token=issued.access_token)) as client:
        bot = await AsyncMessagingApi(client).get_bot_info()
    assert (bot.user_id, bot.display_name, bot.chat_mode) == (shop.bot_user_id, "Shop", "bot")
    assert bot.picture_url == "https://profile.line-scdn.net/shop"


async def test_a_wrong_secret_gives_the_documented_400(line: LineSimulator, shop: Account) -> None:
    async with oauth(line) as tokens:
        with pytest.raises(OAuthException) as refusal:
            await tokens.issue_stateless_channel_token(
                grant_type="client_credentials", client_id=shop.channel_id, client_secret="wrong"
            )
    assert refusal.value.status == 400
    assert "Invalid 'client_credentials'." in refusal.value.body


async def test_a_short_lived_token_can_be_verified_and_revoked(line: LineSimulator, shop: Account) -> None:
    async with oauth(line) as tokens:
        issued = await tokens.issue_channel_token("client_credentials", shop.channel_id, shop.channel_secret)
        verified = await tokens.verify_channel_token(issued.access_token)
        assert (verified.client_id, verified.expires_in) == (shop.channel_id, 2_592_000)
        await tokens.revoke_channel_token(issued.access_token)
        with pytest.raises(OAuthException) as refusal:
            await tokens.verify_channel_token(issued.access_token)
    assert "access_token invalid" in refusal.value.body


async def test_a_friends_profile_is_read_and_a_blockers_is_not(line: LineSimulator, shop: Account) -> None:
    mari = line.add_user("まり", picture_url="https://profile.line-scdn.net/mari")
    user_id = line.user_id(shop, mari)
    async with api(line, shop) as client:
        with pytest.raises(ApiException) as stranger:
            await client.get_profile(user_id)
        await line.follow(shop, mari)
        profile = await client.get_profile(user_id)
        await line.block(shop, mari)
        with pytest.raises(ApiException) as blocker:
            await client.get_profile(user_id)
    assert (profile.display_name, profile.user_id, profile.language) == ("まり", user_id, "ja")
    assert stranger.value.status == blocker.value.status == 404


async def test_the_webhook_endpoint_is_not_found_until_it_is_set(line: LineSimulator, shop: Account) -> None:
    async with api(line, shop) as client:
        with pytest.raises(ApiException) as unset:
            await client.get_webhook_endpoint()
        await client.set_webhook_endpoint(SetWebhookEndpointRequest(endpoint="http://127.0.0.1:9/line/1"))
        endpoint = await client.get_webhook_endpoint()
        with pytest.raises(ApiException) as plain:
            await client.set_webhook_endpoint(SetWebhookEndpointRequest(endpoint="http://example.com/line/1"))
    assert unset.value.status == 404
    assert (endpoint.endpoint, endpoint.active) == ("http://127.0.0.1:9/line/1", True)
    assert plain.value.status == 400


async def test_the_webhook_test_posts_a_signed_empty_body(line: LineSimulator, shop: Account) -> None:
    received: list[bool] = []

    async def webhook(request: web.Request) -> web.Response:
        body = await request.read()
        empty = b'{"destination":"%b","events":[]}' % shop.bot_user_id.encode()
        received.append(body == empty and request.headers["x-line-signature"] == sign(shop.channel_secret, body))
        return web.Response(status=200 if request.path == "/ok" else 503)

    app = web.Application()
    app.router.add_post("/{path}", webhook)
    async with TestServer(app) as server, api(line, shop) as client:
        passed = await client.test_webhook_endpoint(EndpointRequest(endpoint=str(server.make_url("/ok"))))
        failed = await client.test_webhook_endpoint(EndpointRequest(endpoint=str(server.make_url("/no"))))
    closed = f"http://127.0.0.1:{server.port}/gone"
    async with api(line, shop) as client:
        nobody = await client.test_webhook_endpoint(EndpointRequest(endpoint=closed))
    assert received == [True, True]
    assert (passed.success, passed.status_code, passed.reason, passed.detail) == (True, 200, "OK", "200")
    assert (failed.success, failed.status_code, failed.reason, failed.detail) == (
        False,
        503,
        "ERROR_STATUS_CODE",
        "503",
    )
    assert (nobody.success, nobody.status_code, nobody.reason) == (False, 0, "COULD_NOT_CONNECT")


async def test_a_push_is_sent_once_per_retry_key(line: LineSimulator, shop: Account) -> None:
    mari = line.add_user("Mari")
    await line.follow(shop, mari)
    request = PushMessageRequest(to=line.user_id(shop, mari), messages=[TextMessage(text="hi")])
    key = str(uuid.uuid4())
    async with api(line, shop) as client:
        first = await client.push_message_with_http_info(request, x_line_retry_key=key)
        with pytest.raises(ApiException) as repeated:
            await client.push_message(request, x_line_retry_key=key)
    assert repeated.value.status == 409
    assert repeated.value.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert first.data.sent_messages[0].id in repeated.value.body
    assert len(line.sent) == 1


async def test_a_push_to_a_blocker_succeeds_and_reaches_nobody(line: LineSimulator, shop: Account) -> None:
    mari, ken = line.add_user("Mari"), line.add_user("Ken")
    await line.follow(shop, mari)
    await line.follow(shop, ken)
    await line.block(shop, mari)
    ids = [line.user_id(shop, mari), line.user_id(shop, ken)]
    async with api(line, shop) as client:
        answer = await client.push_message(PushMessageRequest(to=ids[0], messages=[TextMessage(text="hi")]))
        await client.multicast(MulticastRequest(to=ids, messages=[TextMessage(text="all")]))
    assert len(answer.sent_messages) == 1
    assert [(sent.to, sent.via) for sent in line.sent] == [(ids[1], "multicast")]


async def test_a_reply_token_works_once(line: LineSimulator, shop: Account) -> None:
    delivery = await line.message(shop, line.add_user("Mari"), "hello")
    assert delivery is not None
    request = ReplyMessageRequest(reply_token=delivery.event["replyToken"], messages=[TextMessage(text="hi")])
    async with api(line, shop) as client:
        answer = await client.reply_message(request)
        with pytest.raises(ApiException) as used:
            await client.reply_message(request)
    assert len(answer.sent_messages) == 1
    assert used.value.status == 400
    assert "Invalid reply token" in used.value.body


async def test_followers_are_paged_and_closed_to_unverified_accounts(line: LineSimulator, shop: Account) -> None:
    people = [line.add_user(f"Friend {number}") for number in range(5)]
    for person in people:
        await line.follow(shop, person)
    async with api(line, shop) as client:
        first = await client.get_followers(limit=3)
        second = await client.get_followers(limit=3, start=first.next)
        shop.verified = False
        with pytest.raises(ApiException) as unverified:
            await client.get_followers()
    assert first.user_ids + second.user_ids == [line.user_id(shop, person) for person in people]
    assert second.next is None
    assert unverified.value.status == 403


async def test_scripted_429_then_the_call_goes_on(line: LineSimulator, shop: Account) -> None:
    line.add_fault(rate_limited("info"))
    async with api(line, shop) as client:
        with pytest.raises(ApiException) as limited:
            await client.get_bot_info()
        assert (await client.get_bot_info()).user_id == shop.bot_user_id
    assert limited.value.status == 429


async def test_content_of_a_picture_is_there_until_it_is_unsent(line: LineSimulator, shop: Account) -> None:
    mari = line.add_user("Mari")
    delivery = await line.act("image", shop, mari)
    assert delivery is not None
    message_id = delivery.event["message"]["id"]
    configuration = Configuration(host=line.url, access_token=line.long_lived_token(shop))
    async with AsyncApiClient(configuration) as client:
        blobs = AsyncMessagingApiBlob(client)
        content = await blobs.get_message_content_with_http_info(message_id)
        await line.unsend(shop, mari, message_id)
        with pytest.raises(ApiException) as gone:
            await blobs.get_message_content(message_id)
    assert (content.status_code, content.headers["Content-Type"]) == (200, "image/jpeg")
    assert gone.value.status == 410


async def test_quota_and_consumption_count_receivers(line: LineSimulator, shop: Account) -> None:
    shop.monthly_limit = 1
    mari = line.add_user("Mari")
    await line.follow(shop, mari)
    request = PushMessageRequest(to=line.user_id(shop, mari), messages=[TextMessage(text="hi")])
    async with api(line, shop) as client:
        await client.push_message(request)
        with pytest.raises(ApiException) as spent:
            await client.push_message(request)
        quota, used = await client.get_message_quota(), await client.get_message_quota_consumption()
    assert (quota.type, quota.value, used.total_usage) == ("limited", 1, 1)
    assert (spent.value.status, "monthly limit" in spent.value.body) == (429, True)


async def test_a_revoked_token_meets_401(line: LineSimulator, shop: Account) -> None:
    async with api(line, shop) as client:
        assert line.revoke_tokens(shop) == 1
        with pytest.raises(ApiException) as revoked:
            await client.get_bot_info()
    assert revoked.value.status == 401
    assert "Authentication failed due to the following reason" in revoked.value.body
