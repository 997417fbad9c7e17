"""The ingress as a process while its broker is killed, frozen and away, and its disk is full or read-only."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bench.webhooks import SECRET, body_of, message
from ingress.webhook import Signer
from tests.integration.ingress.outage import (
    ANSWER_SECONDS,
    Load,
    Outage,
    balance,
    metrics,
    segments,
    until_drained,
)

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outage]:
    async with Outage(tmp_path_factory.mktemp("outage")) as made:
        yield made


@contextlib.contextmanager
def mounted(path: Path) -> Iterator[Path]:
    """A file system of 2 MiB; skips where mounting is not permitted."""
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "none", str(path)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.decode().strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small") as path:
        yield path


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """It can still be written until the test closes it."""
    with mounted(tmp_path / "read-only") as path:
        yield path


def remount(path: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(path)], check=True, capture_output=True)


async def post(url: str, number: int, text: str = "hello") -> tuple[int, float]:
    event = message(number, 1) | {"message": {"type": "text", "id": str(number), "text": text}}
    body = body_of(event)
    headers = {"X-Line-Signature": Signer(SECRET).sign(body).decode()}
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with aiohttp.ClientSession() as session, session.post(f"{url}/line/1", data=body, headers=headers) as answer:
        return answer.status, loop.time() - began


async def readyz(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as answer:
        return answer.status, await answer.text()


async def test_kafka_killed_under_load_and_the_ingress_restarted_without_it_lose_nothing(
    outage: Outage,
) -> None:
    """Every answer in time, every acknowledged event in the log once Kafka is back, each friend's in order."""
    data_dir = outage.data_dir  # with the embedded Kafka nobody says where it is while it does not run
    ingress = outage.ingress(data_dir, kafka="embedded")
    url = (await ingress.start())["url"]
    ingress.environ["FRIENDSTREAM_INGRESS_BIND"] = url.removeprefix("http://")
    async with Load(url, rate=150).running() as load:
        await asyncio.sleep(2)
        outage.broker.kill_jvm()
        await asyncio.sleep(4)
        in_spool = await metrics(url)
        assert in_spool["spool_events"] > 200
        assert balance(in_spool) == 0
        assert all("秘密".encode() not in segment.read_bytes() for segment in segments(data_dir))
        ingress.kill()
        await ingress.start()
        assert (await readyz(url)) == (200, "ready: spool\n")
        await asyncio.sleep(2)
        assert ingress.document()["spool_bytes"] > 0
        await outage.broker.start()
        await asyncio.sleep(4)
        await until_drained(ingress)
    found = await metrics(url)
    assert ingress.stop() == 0
    assert load.refused <= load.answered // 100
    assert load.slow == 0, load.slowest
    logged = await outage.logged()
    assert load.lost(logged) == set()
    assert load.out_of_order(logged) == []
    assert balance(found) == 0
    assert found["drained_events_total"] >= found["spooled_events_total"] > 0
    assert not any(path.stat().st_size for path in segments(data_dir))
    assert not [path.name for path in (data_dir / "spool").iterdir() if path.suffix == ".frame"]


async def test_a_frozen_broker_costs_no_answer_and_no_order(outage: Outage, tmp_path: Path) -> None:
    """SIGSTOP: connections stay, nothing is acknowledged; what was in flight lands with SIGCONT."""
    ingress = outage.ingress(tmp_path / "data")
    url = (await ingress.start())["url"]
    async with Load(url, rate=150, _number=100_000).running() as load:
        await asyncio.sleep(1)
        outage.broker.freeze()
        try:
            await asyncio.sleep(4)
        finally:
            outage.broker.thaw()
        await asyncio.sleep(3)
        await until_drained(ingress)
        assert (await readyz(url)) == (200, "ready: kafka\n")
    assert ingress.stop() == 0
    assert load.refused <= load.answered // 100
    assert load.slow == 0, load.slowest
    logged = await outage.logged()
    assert load.lost(logged) == set()
    assert load.out_of_order(logged) == []


async def until_503(url: str, numbers: range, text: str) -> list[int]:
    """Post until the answer is 503, each in time; the numbers that were acknowledged."""
    acknowledged: list[int] = []
    for number in numbers:
        status, took = await post(url, number, text)
        assert took < ANSWER_SECONDS
        if status == 503:
            return acknowledged
        acknowledged.append(number)
    pytest.fail("everything was taken")


async def test_a_disk_that_takes_nothing_is_503_in_time_with_an_alarm_and_heals(
    outage: Outage, small_disk: Path, read_only_disk: Path, tmp_path: Path
) -> None:
    """Full, at the bound of SPOOL_MB, and read-only, each with Kafka away; and how it starts without Kafka."""
    full, bounded, closed = (
        outage.ingress(small_disk),
        outage.ingress(tmp_path / "data", spool_mb=1),
        outage.ingress(read_only_disk),
    )
    at_full, at_bounded, at_closed = [(await role.start())["url"] for role in (full, bounded, closed)]
    remount(read_only_disk, "ro")
    assert (await post(at_closed, 400_000))[0] == 200, "Kafka is there"
    outage.broker.kill_jvm()

    safe = await until_503(at_full, range(200_000, 200_100), "x" * 60_000)
    safe += await until_503(at_bounded, range(300_000, 300_100), "x" * 60_000)
    assert await until_503(at_closed, range(400_001, 400_002), "x") == []
    assert len(safe) > 20
    assert sum(path.stat().st_size for path in segments(tmp_path / "data")) <= 1024 * 1024
    for url, word in ((at_full, "ENOSPC"), (at_bounded, "full"), (at_closed, "EROFS")):
        assert await readyz(url) == (503, f"not ready: spool, the spool refuses: {word}\n")
        found = await metrics(url)
        assert found['errors_total{stage="spool_refused"}'] >= 1
        assert balance(found) == 0

    wrong_key = outage.ingress(tmp_path / "data", secret_key="another key, just as long as it has to be")
    unknown = outage.ingress(tmp_path / "empty")
    assert await asyncio.gather(wrong_key.exit_code(), unknown.exit_code()) == [78, 69]

    remount(read_only_disk, "rw")
    assert (await post(at_closed, 400_020))[0] == 200, "healed"
    await outage.broker.start()
    for role in (full, bounded, closed):
        await until_drained(role)
    for number, url in enumerate((at_full, at_bounded, at_closed), 500_000):
        assert (await post(url, number))[0] == 200
    assert [role.stop() for role in (full, bounded, closed)] == [0, 0, 0]
    there = {number for numbers in (await outage.logged()).values() for number in numbers}
    assert {*safe, 400_000, 400_020, 500_000, 500_001, 500_002} <= there


async def test_an_ingress_starts_on_a_read_only_data_dir_and_serves_through_kafka(
    outage: Outage, small_disk: Path
) -> None:
    ingress = outage.ingress(small_disk)
    url = (await ingress.start())["url"]
    assert ingress.stop() == 0
    remount(small_disk, "ro")
    ingress.environ["FRIENDSTREAM_INGRESS_BIND"] = url.removeprefix("http://")
    ingress.launch()
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                assert (await post(url, 600_000))[0] == 200
                break
            await asyncio.sleep(0.1)
    assert ingress.stop() == 0
