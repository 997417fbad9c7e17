"""The deliverer against a scripted HubSpot, in virtual time: hours of trouble cost milliseconds."""

from __future__ import annotations

import asyncio

import pytest

from clients.hubspot.troubles import HubSpotTrouble, RateLimited, Refused, ServerTrouble, TimedOut, Unauthorized
from domain.batch_answers import BatchAnswer, Found, ItemError
from tests.unit.sinks.hubspot.deliverer_bench import (
    Bench,
    ScriptedHubSpot,
    arrival,
    failing,
    scripted,
    virtually,
)


def test_a_quiet_change_is_written_within_a_quarter_of_a_second() -> None:
    """One period of waiting, then the call."""

    async def story() -> None:
        bench = Bench()
        bench.send([1])
        await bench.until(1)
        assert bench.hubspot.calls[0][0] <= 0.25
        assert [(one.result, one.contact, one.generation) for one in bench.outcomes] == [("created", "1", 3)]

    virtually(story)


def test_answers_in_another_order_reach_their_friends() -> None:
    """The scripted HubSpot answers backwards."""

    async def story() -> None:
        bench = Bench()
        bench.send(range(100))
        await bench.until(100)
        assert {one.friend: one.contact for one in bench.outcomes} == {f"U{n}": str(n) for n in range(100)}

    virtually(story)


@pytest.mark.parametrize(
    "trouble",
    [
        TimedOut("slow"),
        ServerTrouble(502),
        Unauthorized("no"),
        RateLimited("TEN_SECONDLY_ROLLING", None),
        RateLimited("DAILY", None),
        ServerTrouble(477, 3600.0),
    ],
)
def test_trouble_of_the_portal_is_waited_out(trouble: HubSpotTrouble) -> None:
    """Thirty failures in a row, for hours: paused with the reason, the same batch again, nobody parked."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(*[trouble] * 30)))
        bench.send(range(5))
        await asyncio.sleep(20)
        paused = bench.deliverer.gate.paused
        assert paused is not None
        assert paused.code == trouble.code
        await bench.until(5, 40 * 3600)
        assert bench.deliverer.gate.paused is None
        assert [one.result for one in bench.outcomes] == ["created"] * 5
        assert len(bench.hubspot.calls) == 31

    virtually(story)


def test_only_one_call_knocks_while_the_portal_is_in_trouble() -> None:
    """A thousand waiting changes do not storm a HubSpot that is down."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(*[ServerTrouble(503)] * 40)))
        bench.send(range(1000))
        await asyncio.sleep(300)
        assert len(bench.hubspot.calls) <= 10 + 300 / 24 + 8  # the first ones were in flight together
        await bench.until(1000, 40 * 3600)

    virtually(story)


def test_a_batch_that_fails_while_others_succeed_is_taken_apart() -> None:
    """One friend makes HubSpot stumble: it is parked in the end, and all others are written."""

    def stumbling(call: str, keys: list[str]) -> BatchAnswer | Exception:
        return ServerTrouble(500) if "U13" in keys else BatchAnswer(status=200)

    async def story() -> None:
        bench = Bench(hubspot=scripted(stumbling))
        bench.send(range(100))
        for number in range(1000, 3000):
            bench.send([number])
            await asyncio.sleep(1)
        await bench.until(2100)
        ended = {one.friend: one.result for one in bench.outcomes}
        assert ended.pop("U13") == "parked"
        assert set(ended.values()) == {"created"}

    virtually(story)


def test_a_refused_batch_is_bisected() -> None:
    """99 of 100 land with at most 14 calls more than one."""

    def refusing(call: str, keys: list[str]) -> BatchAnswer | Exception:
        error = ItemError(category="VALIDATION_ERROR", codes=("INVALID_OPTION",), properties=("line_follow_1",))
        return Refused(BatchAnswer(status=400, errors=(error,))) if "U13" in keys else BatchAnswer(status=200)

    async def story() -> None:
        bench = Bench(hubspot=scripted(refusing))
        bench.send(range(100))
        await bench.until(100)
        assert [one.friend for one in bench.outcomes if one.result == "rejected"] == ["U13"]
        assert len(bench.hubspot.calls) <= 15

    virtually(story)


def test_a_missing_property_is_ensured_and_the_batch_repeated() -> None:
    """Nobody is rejected; of a removed connection the values are left out instead."""

    def missing(call: str, keys: list[str]) -> BatchAnswer | Exception:
        error = ItemError(codes=("PROPERTY_DOESNT_EXIST",), properties=("line_follow_1",))
        return (
            Refused(BatchAnswer(status=400, errors=(error,)))
            if len(bench.hubspot.calls) < 3
            else BatchAnswer(status=200)
        )

    async def story() -> None:
        nonlocal bench
        bench = Bench(hubspot=scripted(missing))
        bench.send(range(10))
        await bench.until(10)
        assert bench.ensured == [frozenset({1}), frozenset({1})]
        assert [one.result for one in bench.outcomes] == ["created"] * 10

    bench: Bench
    virtually(story)


def test_poison_that_hubspot_names_costs_no_call_more() -> None:
    """One of 100 is refused in the answer, 99 land."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(naming))
        bench.send(range(100))
        await bench.until(100)
        assert [one.friend for one in bench.outcomes if one.result == "rejected"] == ["U13"]
        assert len(bench.hubspot.calls) <= 3

    def naming(call: str, keys: list[str]) -> BatchAnswer | Exception:
        good = tuple(Found(id=key[1:], properties={"email": f"{key}@line.me"}) for key in keys if key != "U13")
        bad = ItemError(category="VALIDATION_ERROR", codes=("INVALID_OPTION",), ids=("U13@line.me",))
        return BatchAnswer(status=207, found=good, errors=(bad,) if "U13" in keys else ())

    virtually(story)


def test_a_missing_property_that_hubspot_does_not_name_may_be_any_of_ours() -> None:
    """All of them are ensured, nobody is rejected; the values of a removed connection are left out first."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(*[Refused(BatchAnswer(status=400, errors=(error,)))] * 2)))
        bench.send(range(30))
        await bench.until(30)
        assert bench.ensured == [frozenset({1}), frozenset({1})]
        assert [one.result for one in bench.outcomes] == ["created"] * 30

    error = ItemError(category="VALIDATION_ERROR", codes=("PROPERTY_DOESNT_EXIST",))
    virtually(story)


def test_a_missing_property_that_is_not_ours_is_found_like_any_poison() -> None:
    """Nothing is ensured for it, and only who carries it is rejected."""

    def refusing(call: str, keys: list[str]) -> BatchAnswer | Exception:
        error = ItemError(category="VALIDATION_ERROR", codes=("PROPERTY_DOESNT_EXIST",), properties=("theirs",))
        return Refused(BatchAnswer(status=400, errors=(error,))) if "U13" in keys else BatchAnswer(status=200)

    async def story() -> None:
        bench = Bench(hubspot=scripted(refusing))
        bench.send(range(100))
        await bench.until(100)
        assert [one.friend for one in bench.outcomes if one.result == "rejected"] == ["U13"]
        assert bench.ensured == []

    virtually(story)


def test_no_call_without_the_lease() -> None:
    """Who may have lost the partition does not write; when the lease is back, it goes on."""

    async def story() -> None:
        bench = Bench()
        bench.lease_held = False
        bench.send([1])
        await asyncio.sleep(60)
        assert bench.hubspot.calls == []
        bench.lease_held = True
        await bench.until(1)

    virtually(story)


def test_draining_finishes_what_is_in_flight_and_forgets_the_rest() -> None:
    """The answered call is published; what had not been sent is not sent by this owner any more."""

    async def story() -> None:
        bench = Bench(hubspot=ScriptedHubSpot(latency=1.0))
        bench.send(range(100))
        await asyncio.sleep(0.5)
        bench.send(range(200, 230))
        await bench.deliverer.drain(5.0)
        assert len(bench.outcomes) == 100
        await asyncio.sleep(60)
        assert len(bench.hubspot.calls) == 1
        assert len(bench.deliverer) == 0

    virtually(story)


def test_draining_abandons_what_takes_too_long() -> None:
    """No outcome is published for a partition that was given up."""

    async def story() -> None:
        bench = Bench(hubspot=ScriptedHubSpot(latency=30.0))
        bench.send(range(100))
        await asyncio.sleep(0.5)
        await bench.deliverer.drain(5.0)
        await asyncio.sleep(60)
        assert bench.outcomes == []
        bench.deliverer.resume(generation=4, share=0.5)
        bench.send([1])
        await bench.until(1)
        assert bench.outcomes[0].generation == 4

    virtually(story)


def test_later_changes_of_a_friend_use_what_the_first_one_made() -> None:
    """The second change has no id, for the fold did not know it yet: the memory does."""

    async def story() -> None:
        bench = Bench()
        bench.deliverer.admit([arrival(5, contact=False, revision=n) for n in (1, 2)])
        await bench.until(2)
        assert [(call, keys) for _, call, keys in bench.hubspot.calls] == [("create", ["U5"]), ("update", ["5"])]
        assert [one.result for one in bench.outcomes] == ["created", "updated"]

    virtually(story)


def test_missing_records_of_one_batch_are_looked_up_together() -> None:
    """100 updates, 30 deleted: one look, one look into the bin, and 30 are gone."""

    def some_deleted(call: str, keys: list[str]) -> BatchAnswer | Exception:
        gone = tuple(key for key in keys if int(key) < 30)
        if call == "archived":
            return BatchAnswer(status=200, found=tuple(Found(id=key, archived_at=5) for key in keys))
        error = ItemError(category="OBJECT_NOT_FOUND", ids=gone)
        return BatchAnswer(status=207, found=tuple(Found(id=k) for k in keys if k not in gone), errors=(error,))

    async def story() -> None:
        bench = Bench(hubspot=scripted(some_deleted))
        bench.send(range(100), contact=True)
        await bench.until(100)
        assert sum(one.result == "gone" for one in bench.outcomes) == 30
        assert [call for _, call, _ in bench.hubspot.calls] == ["update", "read", "archived"]

    virtually(story)


def test_an_unexpected_error_ends_the_deliverer() -> None:
    """A bug is not waited out: the process ends before anything is committed, and is restarted."""

    async def story() -> None:
        bench = Bench(hubspot=scripted(failing(RuntimeError("a bug"))))
        bench.send([1])
        with pytest.raises(RuntimeError, match="a bug"):
            await bench.until(1)

    virtually(story)
