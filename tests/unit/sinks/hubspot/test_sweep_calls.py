"""The sweep's calls in virtual time: few, after everybody else's, and through any trouble."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from clients.hubspot.troubles import RateLimited, Refused, ServerTrouble
from domain.batch_answers import BatchAnswer, Found, ItemError
from domain.quota import QuotaPolicy
from sinks.hubspot.sweep_calls import SweepCalls
from tests.unit.sinks.hubspot.deliverer_bench import Bench, ScriptedHubSpot, failing, scripted, virtually


def sweep_calls(bench: Bench) -> SweepCalls:
    """Calls that share everything with the bench's deliverer."""
    deliverer: Any = bench.deliverer
    return SweepCalls(
        portal=deliverer._portal,
        deliverer=bench.deliverer,
        quota=deliverer._quota,
        lease=deliverer._lease,
        metrics=bench.metrics,
        monotonic=deliverer._monotonic,
        now_ms=deliverer._now_ms,
        chance=deliverer._chance,
    )


def reads(hubspot: ScriptedHubSpot) -> list[float]:
    return [at for at, call, _keys in hubspot.calls if call in ("read", "archived")]


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_a_twentieth_of_our_share_in_any_window(share: float) -> None:
    """Of 400 calls in ten seconds at most 20, or 5 for the owner of a quarter of the partitions."""

    async def story() -> None:
        bench = Bench(quota=QuotaPolicy(limit=400, burst=4))
        bench.deliverer.resume(generation=3, share=share)
        calls = sweep_calls(bench)
        for number in range(60):
            await calls.read([str(number)], [])
        times = reads(bench.hubspot)
        most = max(sum(start <= at < start + 10 for at in times) for start in times)
        assert 0.8 * 20 * share <= most <= 20 * share

    virtually(story)


def test_changes_go_first() -> None:
    """While a backlog fills the quota, the sweep waits; it goes on when there is room."""

    async def story() -> None:
        bench = Bench(quota=QuotaPolicy(limit=20, burst=4))
        calls = sweep_calls(bench)
        bench.send(range(4000))
        reading = asyncio.create_task(calls.read(["7"], []))
        await bench.until(4000)
        last_write = max(at for at, call, _keys in bench.hubspot.calls if call == "create")
        assert not [at for at in reads(bench.hubspot) if 5 < at < last_write - 5]
        assert "7" in await reading

    virtually(story)


def test_an_operators_pause_stops_the_sweep() -> None:
    """Nothing is read until the sink goes on."""

    async def story() -> None:
        bench = Bench()
        held: list[int | None] = [1_732_250_000_000]
        bench.deliverer.gate._held = lambda: held[0]
        calls = sweep_calls(bench)
        reading = asyncio.create_task(calls.read(["7"], []))
        await asyncio.sleep(600)
        assert not reads(bench.hubspot)
        held[0] = None
        assert (await reading)["7"].found is not None

    virtually(story)


def test_without_the_lease_nothing_is_read() -> None:
    """Who may have lost the partitions looks at nobody."""

    async def story() -> None:
        bench = Bench()
        bench.lease_held = False
        reading = asyncio.create_task(sweep_calls(bench).read(["7"], []))
        await asyncio.sleep(60)
        assert not reads(bench.hubspot)
        bench.lease_held = True
        await reading

    virtually(story)


@pytest.mark.parametrize("trouble", [ServerTrouble(503), RateLimited("TEN_SECONDLY_ROLLING", None)])
def test_trouble_is_said_and_waited_out(trouble: Exception) -> None:
    """Nobody else calls: the sweep says that HubSpot is in trouble, and that it is over."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(*[trouble] * 8, call="read")))
        reading = asyncio.create_task(sweep_calls(bench).read(["7"], []))
        await asyncio.sleep(2)
        assert bench.deliverer.gate.paused is not None
        assert (await reading)["7"].found is not None
        assert bench.deliverer.gate.paused is None
        assert len(reads(bench.hubspot)) == 9

    virtually(story)


def test_while_changes_wait_out_a_trouble_they_knock() -> None:
    """A sink with changes tries by itself; the sweep reads only after it got through."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(*[ServerTrouble(503)] * 6)))
        bench.send(range(3))
        await asyncio.sleep(0.5)
        reading = asyncio.create_task(sweep_calls(bench).read(["7"], []))
        await bench.until(3)
        assert not reads(bench.hubspot)
        await reading

    virtually(story)


def test_a_refused_call_is_taken_apart() -> None:
    """One id that HubSpot refuses is left out; the others are answered."""

    def refusing(call: str, keys: list[str]) -> BatchAnswer | Exception:
        error = ItemError(category="VALIDATION_ERROR")
        return Refused(BatchAnswer(status=400, errors=(error,))) if "13" in keys else BatchAnswer(status=200)

    async def story() -> None:
        bench = Bench(hubspot=scripted(refusing))
        items = await sweep_calls(bench).read([str(number) for number in range(20)], [])
        assert [key for key, item in items.items() if item.found is None] == ["13"]
        assert items["13"].unsure
        assert len(items) == 20

    virtually(story)


def test_ids_that_an_answer_leaves_open_are_asked_alone() -> None:
    """Two ids without an answer and a strange record: whose it is only a call of one can tell."""

    def vague(call: str, keys: list[str]) -> BatchAnswer | Exception:
        if len(keys) == 1:
            return BatchAnswer(status=200, found=(Found(id="99"),))
        return BatchAnswer(status=200, found=(Found(id="1"), Found(id="99")))

    async def story() -> None:
        bench = Bench(hubspot=scripted(vague))
        items = await sweep_calls(bench).read(["1", "2", "3"], [])
        assert {key: item.found.id if item.found else None for key, item in items.items()} == {
            "1": "1",
            "2": "99",
            "3": "99",
        }

    virtually(story)
