"""The ingress as the role runs it: registry, Kafka, role document, clean stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ingress.run import run
from ingress.webhook import Signer
from registry.log import Registry
from registry.secrets import with_secret
from runtime.log_reader import read_log
from runtime.process import read_document, run_document_path
from runtime.refusal import MISCONFIGURED, UNAVAILABLE, Refusal
from runtime.sealing import SealingKey
from runtime.settings import Settings
from schemas.connections import ConnectionRecord

SECRET = "0123456789abcdef0123456789abcdef"


async def connect(settings: Settings, status: Any = "connected") -> None:
    key = SealingKey.load(settings)

    def decide(known: dict[int, ConnectionRecord]) -> ConnectionRecord:
        number = max(known, default=0) + 1
        record = ConnectionRecord(
            number=number, status=status, name="n", channel_id=f"c{number}", created_at=1, version=1
        )
        return with_secret(record, key, SECRET, 1)

    await Registry(settings.kafka).transact(decide)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    stop = asyncio.Event()
    role = asyncio.create_task(run(settings, lambda: settings.kafka, stop))
    try:
        for _ in range(600):
            document = read_document(run_document_path(settings, "ingress"))
            if document is not None or role.done():
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the ingress did not get ready")
        yield (document or {}).get("url", "")
    finally:
        stop.set()
        await role
    document = read_document(run_document_path(settings, "ingress"))
    assert document is not None
    assert document["ready"] is False


async def post(url: str, number: int, body: bytes) -> int:
    headers = {"X-Line-Signature": Signer(SECRET.encode()).sign(body).decode()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/line/{number}", data=body, headers=headers) as got,
    ):
        return got.status


async def test_it_serves_the_connections_of_the_registry_and_stops_cleanly(
    topics: Settings, body_of: Callable[..., bytes]
) -> None:
    await connect(topics)
    await connect(topics, "removed")
    async with running(topics) as url:
        assert [await post(url, number, body_of("U1")) for number in (1, 2, 3)] == [200, 404, 404]
        async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as ready:
            assert ready.status == 200
    assert [record.key async for record in read_log(topics.kafka, "line.events.v1")] == [b"U1"]


async def test_a_connection_that_is_added_while_it_runs_is_served(
    topics: Settings, body_of: Callable[..., bytes]
) -> None:
    async with running(topics) as url:
        assert await post(url, 1, body_of("U1")) == 404
        await connect(topics)
        for _ in range(200):
            if await post(url, 1, body_of("U1")) == 200:
                return
            await asyncio.sleep(0.05)
        pytest.fail("the connection was not seen")


async def test_secrets_sealed_with_another_key_refuse_the_start(
    topics: Settings, settings_for: Callable[..., Settings]
) -> None:
    await connect(topics)
    other = settings_for(secret_key="another key, just as long as it has to be")
    with pytest.raises(Refusal) as refused:
        await run(other, lambda: other.kafka, asyncio.Event())
    assert refused.value.exit_code == MISCONFIGURED


async def test_without_topics_the_start_is_refused_as_unavailable(
    clean_kafka: Any, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for()
    with pytest.raises(Refusal) as refused:
        await run(settings, lambda: settings.kafka, asyncio.Event())
    assert refused.value.exit_code == UNAVAILABLE
