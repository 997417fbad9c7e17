"""Whatever LINE signs: the answer is never a failure of ours, and each event is a record or a dead letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingress.records import Harvest, RecordMaker
from ingress.webhook import RawWebhook, Signer, VerifiedWebhook
from runtime.appender import partition_of
from schemas.events import read_event_record

BOT = "U11111111111111111111111111111111"
SIGNER = Signer(b"secret")

scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**100), max_value=2**100)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
sources = st.fixed_dictionaries(
    {"type": st.sampled_from(["user", "group", "room", "planet"]) | values},
    optional={name: st.text(max_size=5) | values for name in ("userId", "groupId", "roomId")},
)
events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "follow", "unfollow", "telepathy"]) | values,
        "timestamp": st.integers() | values,
        "webhookEventId": st.text(max_size=70) | values,
        "source": sources | values,
        "replyToken": st.sampled_from(["0" * 32, "r1"]) | values,
        "message": values,
        "deliveryContext": values,
    },
)


def harvest(body: bytes) -> Harvest:
    raw = RawWebhook(1, 1_760_922_682_500, body, SIGNER.sign(body).decode())
    return RecordMaker(4).harvest(VerifiedWebhook(raw, [SIGNER]), BOT)


def check(found: Harvest) -> tuple[list[Any], int]:
    """The events and the number of dead letters; checks what holds for every record."""
    kept, letters = [], 0
    for record in found.records:
        assert record.partition == partition_of(record.key, 4)
        assert record.timestamp == 1_760_922_682_500
        if record.topic == "dead.letters.v1":
            letters += 1
            continue
        read = read_event_record(record.value)
        assert (read.connection, read.origin) == (1, "webhook")
        assert dict(record.headers)["ce_id"]
        kept.append(read)
    assert found.received == found.sent + sum(found.discarded.values())
    assert found.sent == len(kept)
    return kept, letters


@given(st.lists(events | values, max_size=4), st.sampled_from(["utf-8", "ascii"]))
def test_every_value_of_every_event_is_kept(members: list[Any], escaping: str) -> None:
    body = json.dumps({"destination": BOT, "events": members}, ensure_ascii=escaping == "ascii")
    found = harvest(body.encode())
    kept, letters = check(found)
    objects = [member for member in members if isinstance(member, dict)]
    dummies = [member for member in objects if member.get("replyToken") == "0" * 32]
    wanted = [member for member in objects if member not in dummies]
    assert [(record.event, record.repaired) for record in kept] == [(event, False) for event in wanted]
    assert letters == len(members) - len(objects)


@given(st.lists(st.text(alphabet=st.characters(codec=None, categories=["Cs", "Lu", "Po"]), max_size=6), min_size=1))
def test_lone_surrogates_cost_no_event(texts: list[str]) -> None:
    members = [{"n": number, "text": text} for number, text in enumerate(texts)]
    kept, letters = check(harvest(json.dumps({"destination": BOT, "events": members}).encode()))
    assert letters == 0
    assert [record.event["n"] for record in kept] == list(range(len(texts)))
    for record, text in zip(kept, texts, strict=True):
        exact = json.loads(json.dumps(text))  # joins what is a pair
        alone = any(0xD800 <= ord(character) <= 0xDFFF for character in exact)
        assert record.repaired == alone
        assert record.event["text"] == "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in exact)


@settings(max_examples=300)
@given(st.lists(events, min_size=1, max_size=3), st.data())
def test_a_mutated_body_never_fails_and_loses_no_event_silently(members: list[Any], data: st.DataObject) -> None:
    body = bytearray(json.dumps({"destination": BOT, "events": members}, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not body:
            break
    found = harvest(bytes(body))
    check(found)
    if found.received:
        assert found.records or found.discarded.get("dummy") == found.received


@given(st.binary(max_size=200))
@example(b'{"events":[\x00]}')
def test_any_bytes_are_a_webhook_or_a_dead_letter(body: bytes) -> None:
    found = harvest(body)
    kept, letters = check(found)
    assert len(kept) + letters + found.discarded.get("dummy", 0) == found.received
    assert all(record.value in body for record in found.records if record.topic == "dead.letters.v1")


@pytest.mark.parametrize("depth", [10, 200, 900, 1000, 1100, 100_000])
def test_an_event_nested_however_deep_harms_no_neighbour(depth: int) -> None:
    deep = b'{"d":' + b"[" * depth + b"]" * depth + b"}"
    found = harvest(b'{"events":[{"type":"a"},' + deep + b',{"type":"b"}]}')
    shallow = [record for record in found.records if len(record.value) < 150 and record.topic == "line.events.v1"]
    assert len(found.records) == 3
    assert len(shallow) >= 2
