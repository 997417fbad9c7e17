from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from ingress.records import Harvest, KafkaRecord, RecordMaker
from ingress.webhook import VerifiedWebhook
from runtime.appender import partition_of
from schemas.events import EventRecord, read_event_record

BOT = "U11111111111111111111111111111111"
USER = "U22222222222222222222222222222222"
Verified = Callable[..., VerifiedWebhook]
Message = Callable[..., dict[str, Any]]


def harvest(webhook: VerifiedWebhook, bot: str | None = BOT) -> Harvest:
    return RecordMaker(12).harvest(webhook, bot)


def events(found: Harvest) -> list[KafkaRecord]:
    return [record for record in found.records if record.topic == "line.events.v1"]


def letters(found: Harvest) -> list[tuple[str, bytes]]:
    return [
        (dict(record.headers)["dl_reason"].decode(), record.value)
        for record in found.records
        if record.topic == "dead.letters.v1"
    ]


def only(webhook: VerifiedWebhook) -> EventRecord:
    found = harvest(webhook)
    assert letters(found) == []
    (record,) = events(found)
    return read_event_record(record.value)


def test_an_event_becomes_one_record_as_the_contract_says(verified: Verified, message: Message) -> None:
    found = harvest(verified(message()))
    (record,) = found.records
    assert record.key == USER.encode()
    assert record.partition == partition_of(record.key, 12)
    assert record.timestamp == 1_760_922_682_500
    assert orjson.loads(record.value) == {
        "connection": 1, "received_at": 1_760_922_682_500, "destination": BOT, "origin": "webhook", "event": message(),
    }  # fmt: skip
    assert record.value == orjson.dumps(orjson.loads(record.value))
    assert dict(record.headers) == {
        "content-type": b"application/json", "ce_specversion": b"1.0", "ce_id": b"01K80000000000000000000001",
        "ce_source": b"/line/1", "ce_type": b"line.message", "ce_time": b"2025-10-20T01:11:22.123Z",
    }  # fmt: skip
    assert (found.received, found.sent, sum(found.discarded.values())) == (1, 1, 0)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ({"type": "user", "userId": "U1"}, b"U1"),
        ({"type": "user", "userId": "LU1-U2"}, b"LU1-U2"),
        ({"type": "group", "groupId": "C1", "userId": "U1"}, b"C1"),
        ({"type": "room", "roomId": "R1"}, b"R1"),
        ({"type": "user"}, b"connection:1"),
        ({"type": "user", "userId": ""}, b"connection:1"),
        ({"type": "user", "userId": 7}, b"connection:1"),
        ({"type": "planet", "userId": "U1"}, b"connection:1"),
        ({"type": ["user"], "userId": "U1"}, b"connection:1"),
        ("U1", b"connection:1"),
        (None, b"connection:1"),
    ],
)
def test_the_key_is_who_the_event_is_of(verified: Verified, message: Message, source: Any, key: bytes) -> None:
    assert [record.key for record in harvest(verified(message(source=source))).records] == [key]


def test_events_of_several_users_in_one_body_become_one_record_each(verified: Verified, message: Message) -> None:
    sources = [{"type": "user", "userId": f"U{n}"} for n in range(20)]
    found = harvest(verified(*[message(source=source) for source in sources]))
    assert [record.key.decode() for record in found.records] == [source["userId"] for source in sources]


def test_unknown_kinds_and_fields_are_kept_with_every_value(verified: Verified) -> None:
    odd = {"type": "telepathy", "thought": {"deep": [1, -2.5, None, True, "テ"]}, "size": 2**80, "least": -(2**70)}
    assert only(verified(odd)).event == odd


def test_integers_beyond_64_bits_stay_integers(verified: Verified) -> None:
    record = events(
        harvest(
            verified(body=b'{"destination":"' + BOT.encode() + b'","events":[{"n":123456789012345678901234567890}]}')
        )
    )[0]
    assert b'"n":123456789012345678901234567890' in record.value


def test_lone_surrogates_become_replacement_characters_and_neighbours_stay_untouched(verified: Verified) -> None:
    body = (
        b'{"destination":"%s","events":[{"t":"\\ud83e\\udd28"},{"t":"a\\ud83eb","\\udd28":1},{"t":"c"}]}' % BOT.encode()
    )
    read = [read_event_record(record.value) for record in events(harvest(verified(body=body)))]
    assert [(record.event, record.repaired) for record in read] == [
        ({"t": "🤨"}, False), ({"t": "a\ufffdb", "\ufffd": 1}, True), ({"t": "c"}, False),
    ]  # fmt: skip
    assert b"repaired" not in events(harvest(verified(body=body)))[0].value


def test_a_redelivery_without_event_id_has_the_same_fallback_id(verified: Verified, message: Message) -> None:
    first, again = (
        dict(
            harvest(verified(message(webhookEventId=None, deliveryContext={"isRedelivery": flag}))).records[0].headers
        )["ce_id"]
        for flag in (False, True)
    )
    assert first == again
    assert first.startswith(b"x-")


@pytest.mark.parametrize("odd", [7, "x", None, [1], True])
def test_a_member_that_is_no_event_is_a_dead_letter_and_its_neighbours_are_records(
    verified: Verified, message: Message, odd: Any
) -> None:
    found = harvest(verified(message(), odd, message()))
    assert len(events(found)) == 2
    assert letters(found) == [("unreadable", json.dumps(odd).encode())]
    assert (found.received, found.sent, found.discarded) == (3, 2, {"unreadable": 1})


@pytest.mark.parametrize(
    "bad", [b'{"n":1e400}', b'{"n":%s}' % (b"9" * 5000), b'{"n":' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"n":01}']
)
def test_an_event_that_no_reader_could_read_is_a_dead_letter_byte_for_byte(verified: Verified, bad: bytes) -> None:
    found = harvest(verified(body=b'{"events":[{"type":"a"}, %s ,{"type":"b"}]}' % bad))
    assert [read_event_record(record.value).event["type"] for record in events(found)] == ["a", "b"]
    assert letters(found) == [("unreadable", bad)]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"hello", b"[]", b"{}", b'{"events":null}', b'{"events":{}}', b'{"events":[}', b'{"events":[{}',
        b"\xff\xfe", b'{"destination":"x"}', b'{"events":[],"events":"x"}',
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_webhook_is_one_dead_letter(verified: Verified, body: bytes) -> None:
    found = harvest(verified(body=body))
    assert letters(found) == [("not_a_webhook", body)]
    assert len(found.records) == 1
    assert found.discarded == {"not_a_webhook": 1}


def test_a_connectivity_check_yields_nothing(verified: Verified) -> None:
    assert harvest(verified()).records == []
    assert harvest(verified(destination="U0"), BOT).records == []


def test_a_webhook_of_another_account_is_a_dead_letter_and_never_an_event(verified: Verified, message: Message) -> None:
    webhook = verified(message(), message(), destination="Uother")
    found = harvest(webhook)
    assert letters(found) == [("wrong_destination", webhook.body)]
    assert len(found.records) == 1
    assert found.discarded == {"wrong_destination": 2}


def test_the_destination_is_not_judged_while_the_bot_is_unknown_or_when_line_names_none(
    verified: Verified, message: Message
) -> None:
    assert len(events(harvest(verified(message(), destination="Uother"), None))) == 1
    assert len(events(harvest(verified(body=orjson.dumps({"events": [message()]}))))) == 1


@pytest.mark.parametrize(
    "dummy",
    [
        {"replyToken": "0" * 32},
        {"replyToken": "f" * 32},
        {"source": {"type": "user", "userId": "Udeadbeefdeadbeefdeadbeefdeadbeef"}},
    ],
)
def test_old_dummy_events_are_dropped_and_counted(verified: Verified, message: Message, dummy: dict[str, Any]) -> None:
    found = harvest(verified(message(**dummy), message()))
    assert len(found.records) == 1
    assert (found.received, found.sent, found.discarded) == (2, 1, {"dummy": 1})


@pytest.mark.parametrize("timestamp", ["soon", None, True, 1.5, -1, 2**80])
def test_an_odd_timestamp_is_kept_and_the_record_still_has_a_time(
    verified: Verified, message: Message, timestamp: Any
) -> None:
    (record,) = events(harvest(verified(message(timestamp=timestamp))))
    assert dict(record.headers)["ce_time"].endswith(b"Z")
    assert read_event_record(record.value).event.get("timestamp") == timestamp


def test_an_event_that_grew_over_the_record_limit_is_a_dead_letter(verified: Verified) -> None:
    body = b'{"events":[{"n":[' + b"1e9," * 450_000 + b"1]}]}"
    found = harvest(verified(body=body))
    assert letters(found) == [("too_large", body)]


def test_a_dead_letter_says_where_it_comes_from(verified: Verified) -> None:
    (record,) = harvest(verified(body=b"hello")).records
    assert record.key == b"connection:1"
    assert dict(record.headers) == {
        "dl_topic": b"line.events.v1", "dl_partition": str(record.partition).encode(), "dl_offset": b"-1",
        "dl_at": b"1760922682500", "dl_stage": b"ingress", "dl_reason": b"not_a_webhook",
    }  # fmt: skip
