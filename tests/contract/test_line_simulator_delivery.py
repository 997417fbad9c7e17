"""Webhooks of the simulated LINE as LINE documents them: signed, in time, redelivered, doubled, disordered."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from devkit.line import Account, DeliverySettings, LineSimulator, sign
from devkit.traffic import LineFriends, Receiver, WebhookSender, pack, stories, storm


class Webhook:
    """A receiver that verifies signatures and answers from a script: a status, or None to keep LINE waiting."""

    def __init__(self) -> None:
        self.secret = ""
        self.script: list[int | None] = []
        self.bodies: list[bytes] = []
        self.url = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.bodies for event in json.loads(body)["events"]]

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert request.content_type == "application/json"
        if request.headers["X-Line-Signature"] != sign(self.secret, body):
            return web.Response(status=401)
        self.bodies.append(body)
        status = self.script.pop(0) if self.script else 200
        if status is None:
            await asyncio.sleep(0.5)
        return web.Response(status=status or 200)


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    receiver = Webhook()
    app = web.Application()
    app.router.add_post("/line/1", receiver.answer)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/line/1"))
        yield receiver


@pytest.fixture
async def line() -> AsyncIterator[LineSimulator]:
    async with LineSimulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def shop(line: LineSimulator, webhook: Webhook) -> Account:
    account = line.add_account(endpoint=webhook.url, delivery=DeliverySettings(redelivery_delay_ms=5, timeout_ms=100))
    webhook.secret = account.channel_secret
    return account


async def test_a_delivered_body_verifies_and_names_the_bot(
    line: LineSimulator, shop: Account, webhook: Webhook
) -> None:
    mari = line.add_user("Mari")
    for text in ("🤨 one", "🤨 two", "🤨 three", "🤨 four", "🤨 five"):
        delivery = await line.message(shop, mari, text)
        assert delivery is not None
        assert delivery.acknowledged
    assert [event["message"]["text"][2:] for event in webhook.events] == ["one", "two", "three", "four", "five"]
    assert {json.loads(body)["destination"] for body in webhook.bodies} == {shop.bot_user_id}
    assert {b"\\ud83e\\udd28" in body for body in webhook.bodies} == {True, False}


async def test_without_redelivery_a_refused_event_is_lost(line: LineSimulator, shop: Account, webhook: Webhook) -> None:
    webhook.script = [503]
    mari = line.add_user("Mari")
    lost, kept = await line.follow(shop, mari), await line.message(shop, mari)
    await line.drain()
    assert lost is not None
    assert kept is not None
    assert (lost.acknowledged, [attempt.status for attempt in lost.attempts]) == (False, [503])
    assert line.acknowledged(shop) == [kept.event]
    assert line.book.unacknowledged() == [lost.event]


async def test_redelivery_brings_the_same_event_in_other_bytes(
    line: LineSimulator, shop: Account, webhook: Webhook
) -> None:
    shop.delivery.redelivery = True
    webhook.script = [503, None, 200]
    delivery = await line.follow(shop, line.add_user("Mari"))
    await line.drain()
    assert delivery is not None
    assert [attempt.reason for attempt in delivery.attempts] == ["ERROR_STATUS_CODE", "REQUEST_TIMEOUT", "OK"]
    assert [event["deliveryContext"]["isRedelivery"] for event in webhook.events] == [False, True, True]
    assert {event["webhookEventId"] for event in webhook.events} == {delivery.event_id}
    assert len({event["timestamp"] for event in webhook.events}) == 1
    assert webhook.bodies[0] != webhook.bodies[1]
    assert line.acknowledged() == [delivery.event]


async def test_duplicates_come_without_the_mark(line: LineSimulator, shop: Account, webhook: Webhook) -> None:
    shop.delivery.duplicate_rate = 1.0
    delivery = await line.follow(shop, line.add_user("Mari"))
    await line.drain()
    assert delivery is not None
    assert [(e["webhookEventId"], e["deliveryContext"]) for e in webhook.events] == [
        (delivery.event_id, {"isRedelivery": False})
    ] * 2
    assert line.acknowledged() == [delivery.event]


async def test_held_events_come_several_in_a_body_and_shuffled(
    line: LineSimulator, shop: Account, webhook: Webhook
) -> None:
    shop.delivery.timeout_ms = 60_000  # a busy machine may take longer than LINE's patience
    mari = line.add_user("Mari")
    line.hold(shop)
    for number in range(9):
        await line.message(shop, mari, str(number))
    assert webhook.bodies == []
    await line.release(shop, shuffle=True, per_post=4)
    texts = [event["message"]["text"] for event in webhook.events]
    assert [len(json.loads(body)["events"]) for body in webhook.bodies] == [4, 4, 1]
    assert texts != sorted(texts)
    assert sorted(texts) == [str(number) for number in range(9)]


async def test_reordered_events_all_arrive(line: LineSimulator, shop: Account, webhook: Webhook) -> None:
    shop.delivery.reorder_ms = 40
    mari = line.add_user("Mari")
    for number in range(8):
        await line.message(shop, mari, str(number))
    await line.drain()
    texts = [event["message"]["text"] for event in webhook.events]
    assert texts != sorted(texts)
    assert len(line.acknowledged()) == 8


async def test_nothing_is_sent_while_use_webhook_is_off(line: LineSimulator, shop: Account, webhook: Webhook) -> None:
    shop.webhook_active = False
    delivery = await line.follow(shop, line.add_user("Mari"))
    assert delivery is not None
    assert (delivery.attempts, webhook.bodies, line.acknowledged()) == ([], [], [])


async def test_a_reissued_secret_signs_from_now_on(line: LineSimulator, shop: Account, webhook: Webhook) -> None:
    mari = line.add_user("Mari")
    secret = line.reissue_secret(shop)
    refused = await line.follow(shop, mari)
    webhook.secret = secret
    taken = await line.message(shop, mari)
    assert refused is not None
    assert taken is not None
    assert (refused.attempts[0].status, taken.attempts[0].status) == (401, 200)


async def test_a_crowd_follows_with_names_and_pictures(line: LineSimulator, shop: Account, webhook: Webhook) -> None:
    deliveries = await line.crowd(shop, 40)
    assert len({event["source"]["userId"] for event in webhook.events}) == len(deliveries) == 40
    profile = line.platform.world.profile(shop, webhook.events[0]["source"]["userId"])
    assert profile is not None
    assert profile["pictureUrl"].startswith("https://profile.line-scdn.net/")


async def test_odd_events_can_be_posted_as_they_are(line: LineSimulator, shop: Account, webhook: Webhook) -> None:
    await line.post(shop, [{"type": "novelty"}, {"type": "message", "message": {"type": "text", "text": "\ud83e"}}])
    assert [event["type"] for event in webhook.events] == ["novelty", "message"]
    assert b"\\ud83e" in webhook.bodies[0]


async def test_traffic_reports_what_was_acknowledged(line: LineSimulator, shop: Account, webhook: Webhook) -> None:
    told = stories(LineFriends(20, seed=2), 1_760_922_682_123)
    async with WebhookSender(Receiver.of(shop), concurrency=4) as sender:
        report = await sender.send(storm(told, seed=2))
    assert {event["webhookEventId"] for event in report.acknowledged} == {event["webhookEventId"] for event in told}
    assert report.answers == {"200": len(webhook.bodies)}
    assert report.events_sent == len(webhook.events)


async def test_traffic_redelivers_until_it_is_acknowledged(
    line: LineSimulator, shop: Account, webhook: Webhook
) -> None:
    webhook.script = [503, 503]
    told = stories(LineFriends(3), 1_760_922_682_123)
    receiver = Receiver.of(shop)
    async with WebhookSender(receiver, concurrency=1, redeliveries=3, redelivery_delay_s=0.001) as sender:
        report = await sender.send(pack(told, per_post=18))
    assert [outcome.posted.status for outcome in report.outcomes] == [503, 503, 200]
    assert [event["deliveryContext"]["isRedelivery"] for event in report.acknowledged] == [True] * 18
    assert report.unacknowledged == []


async def test_traffic_without_redelivery_says_what_nobody_promised(shop: Account, webhook: Webhook) -> None:
    webhook.script = [503]
    told = stories(LineFriends(2), 1_760_922_682_123, length=1)
    async with WebhookSender(Receiver.of(shop), concurrency=1) as sender:
        report = await sender.send(pack(told), rate=200)
    assert (report.unacknowledged, report.acknowledged) == ([told[0]], [told[1]])
