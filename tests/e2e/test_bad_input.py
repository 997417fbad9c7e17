"""What must be refused is refused, with the right answer, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from cli.demo_world.program import run_verb
from cli.demo_world.world import World
from devkit.line import encode, sign
from devkit.line.events import envelope

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEBIBYTE = 1024 * 1024


async def stored(world: World) -> dict[str, int]:
    """How many records the topics of events and of dead letters have taken."""
    ends = (await world.verb("status", "--json")).json["ends"]
    return {topic: ends[topic] for topic in ("line.events.v1", "dead.letters.v1")}


async def post(url: str, body: bytes | AsyncIterator[bytes], signature: str | None) -> int:
    headers = {"Content-Type": "application/json"} | ({} if signature is None else {"x-line-signature": signature})
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


async def test_webhooks_nobody_signed_are_refused_and_nothing_is_stored(world: World) -> None:
    """401 for a missing, forged or foreign signature, 404 for an unknown N, 413 over the cap; 200 for no events."""
    user = world.line.add_user("Nobody")
    event = world.line.perform("text", world.shop, user, text="forged")
    assert event is not None
    body = encode(envelope(world.shop.bot_user_id, [event]), escape=False)
    url, secret = world.shop.endpoint or "", world.shop.channel_secret
    before = await stored(world)

    assert await post(url, body, None) == 401
    assert await post(url, body, "") == 401
    assert await post(url, body, "bm8gc2lnbmF0dXJl") == 401
    assert await post(url, body, sign("0" * 32, body)) == 401
    assert await post(url, body + b" ", sign(secret, body)) == 401
    assert await post(url.removesuffix("/1") + "/2", body, sign(secret, body)) == 404
    assert await post(url.removesuffix("/1") + "/first", body, sign(secret, body)) == 404

    large = body + b" " * (2 * MEBIBYTE)

    async def in_chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    assert await post(url, large, sign(secret, large)) == 413
    assert await post(url, in_chunks(), sign(secret, large)) == 413

    empty = encode(envelope(world.shop.bot_user_id, []), escape=False)
    assert await post(url, empty, sign(secret, empty)) == 200
    await world.idle()
    assert await stored(world) == before
    assert world.contact(world.line.user_id(world.shop, user)) is None


async def test_one_odd_event_does_not_harm_its_neighbours(world: World) -> None:
    """A kind nobody knows and an event without a user are acknowledged beside a message that becomes a contact."""
    user = world.line.add_user("Neighbour")
    event = world.line.perform("text", world.shop, user, text="in the middle")
    assert event is not None
    unknown = {**event, "type": "telepathy", "webhookEventId": event["webhookEventId"][:-1] + "0", "message": {}}
    nameless = {**event, "source": {"type": "user"}, "webhookEventId": event["webhookEventId"][:-1] + "1"}
    deliveries = await world.line.post(world.shop, [unknown, event, nameless])
    assert all(delivery.acknowledged for delivery in deliveries)
    await world.idle()
    contact = world.contact(world.line.user_id(world.shop, user))
    assert contact is not None
    assert contact.properties[world.property("last_response")] == "in the middle"
    counted = (await world.verb("verify", "--json")).json
    assert (counted["different"], counted["missing"], counted["extra"]) == (0, 0, 0)


async def test_a_second_up_on_the_same_directory_is_refused(world: World) -> None:
    """It says so, ends with 4, and the first one goes on."""
    second = await run_verb("up", env=world.environ, accept=(4,))
    assert "another `friendstream up`" in second.err
    assert str(world.data_dir) in second.err
    assert (await world.verb("status", "--json")).json["ready"]


async def test_wrong_settings_are_all_listed(world: World) -> None:
    """Exit 78 with one line for each problem, and no secret in it."""
    wrong = {
        "FRIENDSTREAM_PARTITIONS": "many",
        "FRIENDSTREAM_HUBSPOT_API_URL": "api.hubapi.com",
        "FRIENDSTREAM_PLAN": "gratis",
        "FRIENDSTREAM_SECRET_KEY": "too-short-to-seal",
        "FRIENDSTREAM_HUBSPOT_TOKN": "pat-never-shown",
    }
    said = await run_verb("up", env=world.environ | wrong, accept=(78,))
    assert all(name in said.err for name in wrong)
    assert "too-short-to-seal" not in said.err
    assert "pat-never-shown" not in said.err


async def test_verbs_without_a_running_broker_say_what_to_do(world: World) -> None:
    """Exit 69 on a directory where no `up` runs."""
    elsewhere = world.environ | {"FRIENDSTREAM_DATA_DIR": str(world.data_dir / "elsewhere")}
    said = await run_verb("status", env=elsewhere, accept=(69,))
    assert "friendstream up" in said.err
