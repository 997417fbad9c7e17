"""Our clock jumps by an hour, forward or back, in the middle of the work: nothing lost, nobody created again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from domain.policy import FoldPolicy
from ingress.records import RecordMaker
from ingress.webhook import RawWebhook, Signer, VerifiedWebhook
from processors.fold_run import RunFolder
from runtime import clock, lease
from schemas import topics
from schemas.changes import Change, read_change
from schemas.codec import encode
from schemas.decisions import read_decision
from schemas.marks import Mark
from schemas.outcomes import Outcome
from tests.unit.sinks.hubspot.deliverer_bench import Bench, ScriptedHubSpot, virtually

HOUR = 3_600_000
FRIEND = "U" + "a" * 32
TRUE = 1_763_800_000_000
JUMPS = {
    "steady": (0,) * 8,
    "an hour ahead": (0, 0, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR),
    "an hour behind": (0, 0, -HOUR, -HOUR, -HOUR, -HOUR, -HOUR, -HOUR),
    "ahead and right again": (0, HOUR, HOUR, HOUR, 0, 0, 0, 0),
    "behind and right again": (-HOUR, -HOUR, 0, 0, 0, -HOUR, 0, 0),
    "restless": (HOUR, -HOUR, HOUR, -HOUR, HOUR, -HOUR, HOUR, -HOUR),
}


def ulid(at: int) -> str:
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(digits[at >> shift & 31] for shift in range(45, -1, -5)) + "0" * 16


class Life:
    """One friend's records, folded as they come; `off` = how wrong our clock is at each step."""

    def __init__(self, off: Sequence[int]) -> None:
        self.off = off
        self.rows: dict[bytes, bytes] = {}
        self.told: list[Any] = []
        self.change: Change | None = None
        self.step = 0

    @property
    def now(self) -> int:
        return TRUE + self.step * 60_000 + self.off[self.step]

    def acts(self, kind: str, text: str = "") -> None:
        """LINE's clock is right; ours stamps the receipt."""
        at = TRUE + self.step * 60_000 - 100
        event = {
            "type": kind,
            "timestamp": at,
            "webhookEventId": ulid(at),
            "source": {"type": "user", "userId": FRIEND},
        }
        if kind == "message":
            event |= {"message": {"id": str(self.step), "type": "text", "text": text}}
        body = orjson.dumps({"events": [event]})
        signer = Signer(b"s")
        raw = RawWebhook(1, self.now, body, signer.sign(body).decode())
        (record,) = RecordMaker(4).harvest(VerifiedWebhook(raw, [signer]), None).records
        self._fold(topics.EVENTS.name, record.value)

    def answers(self, result: Any, contact: str | None = "901") -> None:
        """The sink's answer to the open change, stamped by our clock."""
        assert self.change is not None, "nothing is open"
        change, wanted = self.change, self.change.may_create
        outcome = Outcome(
            friend=FRIEND, revision=change.revision, digest=change.digest,
            trigger=Mark(id=wanted.id, at=wanted.at) if wanted else None, result=result, contact=contact,
            asked=change.contact, at=self.now, generation=1, attempts=1,
        )  # fmt: skip
        self._fold(topics.OUTCOMES.name, encode(outcome))

    def _fold(self, topic: str, value: bytes) -> None:
        record = type("Record", (), {"value": value, "key": FRIEND.encode(), "offset": self.step, "headers": []})
        record.topic, record.partition = topic, 0  # type: ignore[attr-defined]  # a stand-in for aiokafka's
        out = RunFolder(topic, 0, self.rows.get, now=self.now, policy=FoldPolicy()).fold([record])
        assert not out.dead
        self.rows |= dict(out.states)
        self.change = read_change(out.changes[0][1] or b"") if out.changes else None
        permits = self.change and self.change.may_create and self.change.may_create.kind
        self.told += [(read_decision(value or b"").decision, permits) for _, value, _ in out.decisions]
        self.step += 1


def story_of(off: Sequence[int]) -> list[Any]:
    """Created; blocks, and the contact is deleted meanwhile; a postback brings nothing back, a message does."""
    life = Life(off)
    life.acts("follow")
    life.answers("created")
    life.acts("unfollow")
    life.answers("gone")
    life.acts("postback")
    life.acts("message", "again")
    life.answers("created", "902")
    life.acts("unfollow")
    return life.told


@pytest.mark.parametrize("jump", JUMPS)
def test_a_friends_story_is_the_same_whatever_our_clock_says(jump: str) -> None:
    told = story_of(JUMPS[jump])
    assert [decision for decision, _ in told] == [
        *("changed", "settled", "changed", "not_permitted"),
        *("not_permitted", "changed", "settled", "same"),
    ]
    assert told == story_of(JUMPS["steady"])


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_the_sink_delivers_everything_once_while_the_clock_jumps(jump: int) -> None:
    """In the middle of calls and waits: each change is answered once, nobody is created twice, no wait grows."""

    async def story() -> None:
        bench = Bench(hubspot=ScriptedHubSpot(latency=1.0))
        right = bench.deliverer._now_ms
        bench.send(range(100))
        await asyncio.sleep(0.7)
        bench.deliverer._now_ms = lambda: right() + jump
        bench.send(range(100, 150))
        await bench.until(150, 30)
        bench.send(range(150), contact=True, revision=2)
        await asyncio.sleep(0.7)
        bench.deliverer._now_ms = right
        await bench.until(300, 30)
        created = [one.friend for one in bench.outcomes if one.result == "created"]
        assert sorted(created) == sorted({f"U{number}" for number in range(150)})
        assert [one.result for one in bench.outcomes[150:]] == ["updated"] * 150
        assert bench.deliverer.gate.paused is None

    virtually(story)


def test_leases_and_pauses_count_on_a_clock_that_never_jumps() -> None:
    assert inspect.signature(lease.Lease).parameters["now"].default is clock.monotonic
    assert "monotonic()" in inspect.getsource(clock.monotonic)


@pytest.mark.parametrize("off", [0, HOUR, -HOUR, 20 * HOUR, -20 * HOUR])
def test_an_event_is_an_event_however_wrong_the_clock_of_the_ingress_is(off: int) -> None:
    life = Life([off] * 2)
    life.acts("message", "hello")
    assert life.told == [("changed", "message")]
