"""The simulated LINE told from another process: its admin API, its gate, and itself as a process."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from devkit.line import Account, Fault, LineSimulator


@pytest.fixture
async def line() -> AsyncIterator[LineSimulator]:
    async with LineSimulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
async def http(line: LineSimulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(line.url) as session:
        yield session


@pytest.fixture
def shop(line: LineSimulator) -> Account:
    return line.add_account()


def bearer(line: LineSimulator, shop: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {line.long_lived_token(shop)}"}


async def admin(http: aiohttp.ClientSession, method: str, path: str, body: object = None) -> Any:
    async with http.request(method, f"/_admin/{path}", json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_a_whole_story_can_be_told_by_http(http: aiohttp.ClientSession) -> None:
    shop = await admin(http, "POST", "accounts", {"display_name": "Shop", "delivery": {"redelivery": True}})
    assert shop["delivery"]["redelivery"] is True
    user = await admin(http, "POST", "users", {"display_name": "Mari", "key": "mari"})
    name = {"account": shop["channel_id"], "user": "mari"}
    acts = [{"act": "follow", **name}, {"act": "follow", **name}, {"act": "text", "text": "hi", **name}]
    told = await admin(http, "POST", "acts", acts)
    assert [delivery and delivery["event"]["type"] for delivery in told] == ["follow", None, "message"]
    assert told[0]["event"]["source"]["userId"] == user["user_ids"][shop["channel_id"]]
    assert [d["acknowledged"] for d in await admin(http, "GET", "deliveries?acknowledged=false")] == [False, False]
    crowd = await admin(http, "POST", "crowd", {"account": shop["channel_id"], "count": 3})
    assert len(crowd) == 3
    settings = {"verified": False, "delivery": {"reorder_ms": 5}}
    changed = await admin(http, "PATCH", f"accounts/{shop['channel_id']}", settings)
    assert (changed["verified"], changed["delivery"]["reorder_ms"]) == (False, 5)
    state = await admin(http, "GET", "state")
    assert (state["accounts"], state["users"], state["events"]) == (1, 4, 5)


async def test_faults_secrets_and_tokens_are_set_by_http(http: aiohttp.ClientSession, shop: Account) -> None:
    old = shop.channel_secret
    assert (await admin(http, "POST", f"accounts/{shop.channel_id}/secret"))["channel_secret"] == shop.channel_secret
    assert shop.channel_secret != old
    token = (await admin(http, "POST", f"accounts/{shop.channel_id}/token"))["access_token"]
    await admin(http, "POST", "faults", {"call": "info", "status": 502, "times": 1})
    statuses = []
    for _ in range(2):
        async with http.get("/v2/bot/info", headers={"Authorization": f"Bearer {token}"}) as answer:
            statuses.append(answer.status)
    assert await admin(http, "DELETE", f"accounts/{shop.channel_id}/tokens") == {"revoked": 1}
    async with http.get("/v2/bot/info", headers={"Authorization": f"Bearer {token}"}) as answer:
        statuses.append(answer.status)
    assert statuses == [502, 200, 401]
    assert await admin(http, "GET", "calls") == [
        {"call": "info", "status": status, "count": 1} for status in (200, 401, 502)
    ]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("acts", {"act": "dance", "account": "{shop}", "user": "mari"}, "no act 'dance'"),
        ("acts", {"act": "follow", "account": "{shop}", "user": "nobody"}, "no user 'nobody'"),
        ("acts", {"act": "follow", "account": "elsewhere", "user": "mari"}, "no account 'elsewhere'"),
        ("accounts", {"colour": "red"}, "colour"),
        ("faults", {"times": "often"}, "times"),
    ],
)
async def test_a_wrong_story_is_told_what_is_wrong(
    http: aiohttp.ClientSession, line: LineSimulator, shop: Account, path: str, body: dict[str, Any], word: str
) -> None:
    line.add_user("Mari", key="mari")
    told = json.loads(json.dumps(body).replace("{shop}", shop.channel_id))
    async with http.post(f"/_admin/{path}", json=told) as answer:
        assert answer.status == 400
        assert word in (await answer.json())["message"]


async def test_every_answer_has_a_request_id_and_a_date(
    http: aiohttp.ClientSession, line: LineSimulator, shop: Account
) -> None:
    seen, token = set(), bearer(line, shop)
    for path, headers in (("info", token), ("info", {}), ("unknown", token)):
        async with http.get(f"/v2/bot/{path}", headers=headers) as answer:
            seen.add((answer.status, answer.headers["x-line-request-id"]))
            assert answer.headers["Date"].endswith("GMT")
    assert {status for status, _ in seen} == {200, 401, 404}
    assert len({request_id for _, request_id in seen}) == 3


async def test_a_retry_key_where_none_is_taken_is_400(
    http: aiohttp.ClientSession, line: LineSimulator, shop: Account
) -> None:
    headers = bearer(line, shop) | {"X-Line-Retry-Key": "123e4567-e89b-12d3-a456-426614174000"}
    async with http.post("/v2/bot/message/reply", headers=headers, json={}) as answer:
        assert answer.status == 400


async def test_too_big_wrong_type_and_broken_json_are_refused(
    http: aiohttp.ClientSession, line: LineSimulator, shop: Account
) -> None:
    headers = bearer(line, shop)
    statuses = []
    for kind, body in (("application/json", b" " * 2_000_001), ("text/plain", b"{}"), ("application/json", b"{")):
        request = http.post("/v2/bot/message/push", headers=headers | {"Content-Type": kind}, data=body)
        async with request as answer:
            statuses.append(answer.status)
    assert statuses == [413, 415, 400]


async def test_a_hanging_push_may_have_been_sent(
    http: aiohttp.ClientSession, line: LineSimulator, shop: Account
) -> None:
    mari = line.add_user("Mari")
    await line.follow(shop, mari)
    line.add_fault(Fault(call="message.push", trouble="hang", after=True))
    headers = bearer(line, shop) | {"X-Line-Retry-Key": "123e4567-e89b-12d3-a456-426614174000"}
    body = {"to": line.user_id(shop, mari), "messages": [{"type": "text", "text": "hi"}]}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), http.post("/v2/bot/message/push", headers=headers, json=body):
            pass
    async with http.post("/v2/bot/message/push", headers=headers, json=body) as answer:
        assert answer.status == 409
    assert len(line.sent) == 1


async def test_a_dropped_connection_reaches_the_caller(
    http: aiohttp.ClientSession, line: LineSimulator, shop: Account
) -> None:
    line.add_fault(Fault(call="message.push", trouble="drop"))
    with pytest.raises(aiohttp.ClientError):
        async with http.post("/v2/bot/message/push", headers=bearer(line, shop), json={}):
            pass


async def test_the_rate_limit_answers_429(http: aiohttp.ClientSession, line: LineSimulator, shop: Account) -> None:
    await admin(http, "POST", "limits", {"call": "info", "calls": 1, "period_ms": 60_000})
    statuses = []
    for _ in range(2):
        async with http.get("/v2/bot/info", headers=bearer(line, shop)) as answer:
            statuses.append(answer.status)
    assert statuses == [200, 429]


async def test_the_process_says_where_it_listens_and_stops_when_told(tmp_path: Path) -> None:
    ready = tmp_path / "line.json"
    arguments = ("-m", "devkit.line", "--port", "0", "--ready-file", str(ready), "--seed", "7")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(10):
        await process.stdout.readline()
        told = json.loads(ready.read_text())
        async with aiohttp.ClientSession(told["url"]) as http:
            shop = await admin(http, "POST", "accounts", {})
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert told["pid"] == process.pid
    async with LineSimulator(seed=7) as line:
        assert line.add_account().channel_id == shop["channel_id"]
