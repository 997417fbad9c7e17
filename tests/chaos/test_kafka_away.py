"""Kafka killed and away for minutes while friends go on writing: nobody waits, nothing is lost, order is kept."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.chaos.conftest import Tell
from tests.integration.ingress.outage import Load, Outage, balance, metrics, segments, until_drained


async def kafka_away(home: Path, tell: Tell, *, rate: float, seconds: float) -> None:
    """The broker is killed with -9 under load, stays away for so long, and comes back while the load goes on."""
    async with Outage(home) as outage:
        ingress = outage.ingress(home / "data")
        url = (await ingress.start())["url"]
        async with Load(url, rate=rate).running() as load:
            await asyncio.sleep(5)
            outage.broker.kill_jvm()
            await asyncio.sleep(seconds)
            away = await metrics(url)
            await outage.broker.start()
            back = time.monotonic()
            await until_drained(ingress, timeout=seconds)
            drained_in = time.monotonic() - back
            await asyncio.sleep(5)
        found = await metrics(url)
        tell(
            "kafka away",
            {
                "seconds": seconds,
                "answers": load.answered,
                "503": load.refused,
                "slowest": f"{load.slowest:.3f} s",
                "spooled": int(found["spooled_events_total"]),
                "spool": f"{away['spool_bytes'] / 1e6:.1f} MB",
                "drained after": f"{drained_in:.1f} s",
            },
        )
        assert ingress.stop() == 0
        logged = await outage.logged()
    assert load.slow == 0, f"an answer took {load.slowest:.2f} s"
    assert load.refused <= load.answered // 100, f"{load.refused} answers of 503"
    assert load.lost(logged) == set()
    assert load.out_of_order(logged) == []
    assert balance(found) == 0
    assert away["spool_events"] >= 0.8 * rate * seconds
    assert not any(path.stat().st_size for path in segments(home / "data"))


@pytest.mark.chaos
async def test_two_minutes_without_kafka_under_200_events_a_second(tmp_path: Path, tell: Tell) -> None:
    await kafka_away(tmp_path, tell, rate=200, seconds=120)


@pytest.mark.soak
async def test_ten_minutes_without_kafka_under_500_events_a_second(tmp_path: Path, tell: Tell) -> None:
    await kafka_away(tmp_path, tell, rate=500, seconds=600)
