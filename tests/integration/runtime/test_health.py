"""The health server of roles without pages."""

from __future__ import annotations

from aiohttp import ClientSession

from runtime.health import Health
from runtime.metrics import Metrics
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
