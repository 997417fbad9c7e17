"""The health server of roles without pages."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from runtime.health import Health
from runtime.metrics import Metrics
from runtime.refusal import UNAVAILABLE, Refusal
from runtime.setting_values import Bind


async def test_answers_livez_readyz_and_metrics_on_a_free_port() -> None:
    ready = False
    health = Health(lambda: ready, Metrics("line").render)
    url = await health.start(Bind("127.0.0.1", 0))
    async with ClientSession() as session:
        assert (await session.get(f"{url}/livez")).status == 200
        assert (await session.get(f"{url}/readyz")).status == 503
        ready = True
        assert (await session.get(f"{url}/readyz")).status == 200
        assert "received_events_total 0.0" in await (await session.get(f"{url}/metrics")).text()
    await health.stop()


async def test_a_taken_port_is_a_refusal_that_names_the_setting() -> None:
    first, second = (Health(lambda: True, Metrics("line").render) for _ in range(2))
    url = await first.start(Bind("127.0.0.1", 0))
    with pytest.raises(Refusal, match="FRIENDSTREAM_HEALTH_BIND") as refused:
        await second.start(Bind("127.0.0.1", int(url.rpartition(":")[2])))
    assert refused.value.exit_code == UNAVAILABLE
    await first.stop()
    await second.stop()
