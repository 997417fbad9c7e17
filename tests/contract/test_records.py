"""The samples of the contract, each against its type, its JSON Schema, and orjson's bytes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.catalogue import CATALOGUE
from schemas.codec import Record, decoder, encode
from schemas.export import json_schema

MARK = {"id": "01J0", "at": 1}
TRIGGER = {"id": "01J0", "at": 1732250000011, "kind": "message"}
CAUSE = {"id": "01J0", "kind": "message", "topic": "line.events.v1", "partition": 3, "offset": 991}
SAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("EventRecord", {
        "connection": 1, "received_at": 1732250000123, "destination": "U8e", "origin": "webhook",
        "event": {"type": "message", "timestamp": 1732250000011, "source": {"type": "user", "userId": "U1"},
                  "webhookEventId": "01J0", "message": {"id": "5601", "type": "text", "text": "テスト"}},
    }),
    ("EventRecord", {
        "connection": 1, "received_at": 1, "origin": "operator", "event": {"type": "erase", "timestamp": 1},
        "repaired": True,
    }),
    ("Request", {
        "id": "5f2c", "kind": "profile", "friend": "U1", "connection": 1, "requested_at": 1, "cause": "01J0",
    }),
    ("Request", {
        "id": "77ab", "kind": "message", "friend": "U1", "connection": 1, "requested_at": 1, "cause": "desk:1",
        "message": {"kind": "push", "reply_token": "r", "messages": [{"type": "text", "text": "x"}], "not_after": 1,
                    "clears_unanswered": True},
    }),
    ("Result", {
        "request": "5f2c", "kind": "profile", "friend": "U1", "connection": 1, "requested_at": 1, "at": 1,
        "profile": {"found": True, "name": "n", "picture": "p"},
    }),
    ("Result", {
        "request": "77ab", "kind": "message", "friend": "U1", "connection": 1, "at": 1,
        "message": {"result": "sent", "status": 200, "line_request_id": "l", "reason": "r"},
    }),
    ("Change", {
        "friend": "U1", "revision": 12, "digest": "9f2c", "emitted_at": 1, "contact": "90001", "confirmed_at": 1,
        "may_create": TRIGGER, "email": "u@line.me",
        "properties": {"line_user_id_1": "U1", "line_follow_1": "true", "line_last_response_1": "hi"},
        "causes": [CAUSE], "more_causes": 0,
    }),
    ("Outcome", {
        "friend": "U1", "revision": 12, "digest": "9f2c", "trigger": MARK, "result": "created", "contact": "90001",
        "asked": "512", "shadowed": [2], "at": 1, "hubspot_at": 1, "generation": 7, "attempts": 1,
        "request": {"call": "batch/create", "status": 201, "trace": "t", "correlation": "c"},
        "reason": {"category": "VALIDATION_ERROR", "code": "INVALID_EMAIL", "property": "email"},
    }),
    ("Outcome", {
        "friend": "U1", "result": "archived", "contact": "90001", "at": 1, "read_at": 1, "generation": 7, "attempts": 1,
    }),
    ("FriendState", {
        "friend": "U1", "revision": 12,
        "connections": {"1": {
            "follow": {"value": True, "at": 1, "id": "01J0"},
            "inbound": {"at": 1, "id": "01J0", "message": "5601", "kind": "text", "text": "x", "retracted": False},
            "outbound_at": 1, "linked_at": 1,
            "profile": {"name": "n", "picture": "p", "found": True, "at": 1, "wanted_at": 1}, "unsent": [["5602", 1]],
        }},
        "contact": {"id": "90001", "status": "live", "at": 1, "nowhere_at": 1}, "trigger": TRIGGER,
        "trigger_delivered": MARK, "permit": TRIGGER,
        "sent": {"revision": 12, "digest": "9f2c", "trigger": MARK, "at": 1},
        "seen": {"digest": "9f2c", "contact": "90001", "generation": 7, "at": 1},
        "blocked": {"digest": "9f2c", "trigger": MARK, "code": "INVALID_EMAIL", "at": 1}, "rewrite": True,
        "writes": {"since": 1, "count": 2}, "read": {"outcomes": 812, "results": 44},
        "last": {"decision": "changed", "cause": "01J0", "at": 1},
    }),
    ("FriendState", {"friend": "U1", "revision": 13, "erased_at": 1}),
    ("DecisionRecord", {
        "friend": "U1", "connection": 1, "at": 1, "cause": CAUSE, "decision": "not_permitted", "revision": 12,
        "because": {"contact": "gone", "since": 1, "trigger": "01H", "delivered": "01H"},
    }),
    ("DecisionRecord", {"connection": 1, "at": 1, "cause": CAUSE, "decision": "no_friend"}),
    ("ConnectionRecord", {
        "number": 1, "status": "connected", "reason": "no_events", "name": "n", "description": "d", "icon": "i",
        "channel_id": "2001", "bot_user_id": "U8e", "basic_id": "@x", "verified": True,
        "webhook_url": "https://x/line/1", "replaced_url": "https://y",
        "secrets": [{"key": "k1", "box": "b", "until": 1}], "token": {"key": "k1", "box": "b"}, "created_at": 1,
        "removed_at": 1, "version": 9,
    }),
    ("PortalRecord", {"portal_id": 7, "since": 1}),
    ("SinkRecord", {"paused": True, "at": 1}),
]  # fmt: skip

TYPES: dict[str, type[Record]] = {record.__name__: record for entry in CATALOGUE for record in entry.records}
CASES = [pytest.param(name, sample, id=f"{name}-{number}") for number, (name, sample) in enumerate(SAMPLES)]


def test_every_record_has_a_sample() -> None:
    assert {name for name, _ in SAMPLES} == set(TYPES)


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_a_sample_decodes_and_encodes_to_the_bytes_of_orjson(name: str, sample: dict[str, Any]) -> None:
    record = decoder(TYPES[name])(orjson.dumps(sample))
    written = encode(record)
    assert orjson.loads(written) == sample
    assert written == orjson.dumps(orjson.loads(written))


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_a_sample_is_valid_under_its_json_schema(name: str, sample: dict[str, Any]) -> None:
    Draft202012Validator(json_schema(TYPES[name])).validate(sample)


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_a_sample_is_invalid_without_a_required_field_or_with_null(name: str, sample: dict[str, Any]) -> None:
    schema = json_schema(TYPES[name])
    validator = Draft202012Validator(schema)
    for field in schema["required"]:
        assert not validator.is_valid({key: value for key, value in sample.items() if key != field})
    for field in sample:
        assert not validator.is_valid(sample | {field: None}), field


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_a_field_of_a_later_version_is_ignored(name: str, sample: dict[str, Any]) -> None:
    read = decoder(TYPES[name])
    assert read(orjson.dumps(sample | {"later": {"x": None}})) == read(orjson.dumps(sample))
    Draft202012Validator(json_schema(TYPES[name])).validate(sample | {"later": 1})
