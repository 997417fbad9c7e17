"""The deliverer keeps to HubSpot's pace even where a crowd is waiting."""

from __future__ import annotations

from domain.quota import QuotaPolicy
from tests.unit.sinks.hubspot.deliverer_bench import Bench, ScriptedHubSpot, virtually


def test_a_waiting_crowd_goes_out_evenly_after_the_burst() -> None:
    """3,000 changes wait: 30 calls at two a second, four of them at once."""

    async def story() -> None:
        bench = Bench(quota=QuotaPolicy(limit=20, interval=10.0, burst=4))
        bench.send(range(3000), contact=True)
        await bench.until(3000)
        starts = [at for at, _call, _keys in bench.hubspot.calls]
        assert len(starts) == 30
        for first in starts:
            assert sum(first <= at < first + 1.0 for at in starts) <= 4 + 2
            assert sum(first <= at < first + 10.0 for at in starts) <= 20

    virtually(story)


def test_two_changes_of_one_record_are_never_in_one_moment_on_their_way() -> None:
    """A merge may lead two friends to one record: the later one waits for the answer to the first."""

    async def story() -> None:
        bench = Bench(hubspot=ScriptedHubSpot(latency=5.0))
        twice = [*range(100), *range(100)]
        for place, number in enumerate(twice):
            bench.send_as(f"U{place}", record=str(number))
        await bench.until(200)
        spans: dict[str, list[float]] = {}
        for at, _call, keys in bench.hubspot.calls:
            for key in keys:
                spans.setdefault(key, []).append(at)
        assert all(later - earlier >= 5.0 for earlier, later in spans.values())

    virtually(story)
