"""10,000 replays of captured webhook bodies, through ingress' reading and the fold: after a deletion, and an erasure.

A replay is a body as LINE sent it, byte for byte, with its signature, at any later time: by LINE as a redelivery, by an
operator from a copy, or by somebody who recorded it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from domain.policy import FoldPolicy
from ingress.records import RecordMaker
from ingress.webhook import RawWebhook, Signer, VerifiedWebhook
from processors.fold_run import RunFolder, RunOutput
from schemas import topics
from schemas.changes import read_change
from schemas.codec import encode
from schemas.decisions import read_decision
from schemas.friends import FriendState, read_friend_state
from schemas.marks import Mark
from schemas.outcomes import Outcome
from tests.unit.processors.conftest import SourceRecord

REPLAYS = 10_000
SEED = 20_261_122
SIGNER = Signer(b"0123456789abcdef0123456789abcdef")
NOW = 1_763_800_000_000
DAY = 86_400_000
BOT = "U" + "1" * 32
FRIENDS = tuple(f"U{number:032x}" for number in range(20))


def event(kind: str, friend: str, number: int, **fields: Any) -> dict[str, Any]:
    source = {"type": "user", "userId": friend}
    identity = f"01K{number:023d}"
    body = {"type": kind, "timestamp": NOW + number, "source": source, "webhookEventId": identity, "mode": "active"}
    return body | {"deliveryContext": {"isRedelivery": False}} | fields


def told_by(friend: str, first: int) -> list[dict[str, Any]]:
    """All that one friend does, of every kind that touches a state."""
    text = {"type": "text", "id": f"{first}1", "text": f"my card number is {first}"}
    return [
        event("follow", friend, first),
        event("message", friend, first + 1, message=text),
        event("message", friend, first + 2, message={"type": "image", "id": f"{first}2"}),
        event("unsend", friend, first + 3, unsend={"messageId": f"{first}1"}),
        event("postback", friend, first + 4, postback={"data": "menu=1"}),
        event("unfollow", friend, first + 5),
        event("follow", friend, first + 6),
        event("message", friend, first + 7, message={"type": "sticker", "id": f"{first}3", "keywords": ["hi"]}),
    ]


def captured() -> list[bytes]:
    """Bodies of one to four events, of all friends mixed as LINE mixes them."""
    events = [one for number, friend in enumerate(FRIENDS) for one in told_by(friend, 100 * number)]
    bodies, place = [], 0
    chance = random.Random(SEED)
    while place < len(events):
        some = events[place : place + chance.randint(1, 4)]
        bodies.append(orjson.dumps({"destination": BOT, "events": some}))
        place += len(some)
    return bodies


class Log:
    """One partition: ingress' records of bodies, the fold's rows, and a HubSpot that answers."""

    def __init__(self, policy: FoldPolicy) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.changes: list[Any] = []
        self._maker, self._policy = RecordMaker(1), policy
        self._offsets: dict[str, int] = {}

    def take(self, topic: str, values: list[tuple[bytes, bytes]], now: int) -> RunOutput:
        records = []
        for key, value in values:
            offset = self._offsets[topic] = self._offsets.get(topic, -1) + 1
            records.append(SourceRecord(value, key, offset, topic, 0))
        out = RunFolder(topic, 0, self.rows.get, now=now, policy=self._policy).fold(records)
        self.rows |= dict(out.states)
        self.changes += [read_change(value) for _, value, _ in out.changes if value is not None]
        assert not out.dead
        return out

    def receive(self, bodies: list[bytes], now: int) -> RunOutput:
        """Bodies as the ingress takes them, in one run."""
        records = []
        for body in bodies:
            raw = RawWebhook(1, now, body, SIGNER.sign(body).decode())
            records += self._maker.harvest(VerifiedWebhook(raw, [SIGNER]), BOT).records
        return self.take(topics.EVENTS.name, [(record.key, record.value) for record in records], now)

    def tell(self, now: int, **fields: Any) -> None:
        """One outcome for each friend."""
        whole = [Outcome(friend=friend, at=now, generation=1, attempts=1, **fields) for friend in FRIENDS]
        self.take(topics.OUTCOMES.name, [(one.friend.encode(), encode(one)) for one in whole], now)

    def answer_all(self, now: int) -> None:
        """HubSpot does what it is asked until nobody asks."""
        while self.changes:
            asked, self.changes = self.changes, []
            given = []
            for change in asked:
                wanted = change.may_create
                outcome = Outcome(
                    friend=change.friend,
                    revision=change.revision,
                    digest=change.digest,
                    trigger=None if wanted is None else Mark(id=wanted.id, at=wanted.at),
                    result="updated" if change.contact else "created",
                    contact=change.contact or "9" + change.friend[-4:],
                    at=now,
                    generation=1,
                    attempts=1,
                )
                given.append((change.friend.encode(), encode(outcome)))
            self.take(topics.OUTCOMES.name, given, now)

    def states(self) -> list[FriendState]:
        return [read_friend_state(row) for row in self.rows.values()]


def deleted(log: Log) -> None:
    """People delete every contact, and the sweep sees it."""
    for friend, row in ((state.friend, state) for state in log.states()):
        assert row.contact is not None
        seen = Outcome(
            friend=friend, result="archived", contact=row.contact.id, asked=row.contact.id, at=NOW + 2 * DAY,
            read_at=NOW + 2 * DAY, hubspot_at=NOW + DAY, generation=1, attempts=1,
        )  # fmt: skip
        log.take(topics.OUTCOMES.name, [(friend.encode(), encode(seen))], NOW + 2 * DAY)
    assert {state.contact.status for state in log.states() if state.contact} == {"gone"}


def erased_by_people(log: Log) -> None:
    """People delete every contact for privacy, and the sweep sees it."""
    log.tell(NOW + 2 * DAY, result="erased", read_at=NOW + 2 * DAY)
    assert {state.erased_at for state in log.states()} == {NOW + 2 * DAY}


def erased_by_us(log: Log) -> None:
    """`friends erase`."""
    for friend in FRIENDS:
        order = {"type": "erase", "timestamp": NOW + DAY, "source": {"type": "user", "userId": friend}}
        value = {"connection": 1, "received_at": NOW + DAY, "origin": "operator", "event": order}
        log.take(topics.EVENTS.name, [(friend.encode(), orjson.dumps(value))], NOW + DAY)
    assert {state.erased_at for state in log.states()} == {NOW + DAY}


@pytest.mark.parametrize("recreate", [False, True])
@pytest.mark.parametrize("end", [deleted, erased_by_people, erased_by_us])
def test_ten_thousand_replays_change_nothing(end: Callable[[Log], None], recreate: bool) -> None:
    """No change, no row but for the day a profile is asked again; every record has its decision."""
    log, bodies = Log(FoldPolicy(recreate_after_erasure=recreate)), captured()
    log.receive(bodies, NOW + 1000)
    log.answer_all(NOW + 2000)
    end(log)
    log.changes.clear()
    before, chance, replayed, decided = dict(log.rows), random.Random(SEED), 0, 0
    while replayed < REPLAYS:
        run = chance.choices(bodies, k=chance.randint(1, 400))
        out = log.receive(run, NOW + 3 * DAY + replayed)
        replayed += len(run)
        decided += len(out.decisions)
        assert not log.changes, f"seed {SEED}: a change after {replayed} replays"
        assert {read_decision(value or b"").decision for _, value, _ in out.decisions} <= {
            "older", "not_permitted", "erased",
        }  # fmt: skip
    assert decided > REPLAYS
    after = {key: without_the_question(row) for key, row in log.rows.items()}
    assert after == {key: without_the_question(row) for key, row in before.items()}
    if end is not deleted:
        assert log.rows == before, "of an erased friend not even that is asked"


def without_the_question(row: bytes) -> Any:
    """The row but for when a profile was asked for last, and the count of rows that this makes."""
    state = orjson.loads(row)
    for connection in state.get("connections", {}).values():
        connection.get("profile", {}).pop("wanted_at", None)
    return {name: value for name, value in state.items() if name not in {"revision", "last"}}
