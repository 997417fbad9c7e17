"""Letters of the ingress, read once more."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from cli.ingress_letters import IngressLetters
from domain.dead_letters import Letter, Place
from domain.letter_fate import Fate
from ingress.records import KafkaRecord
from registry.secrets import seal
from runtime.sealing import SealingKey
from schemas.connections import ConnectionRecord
from schemas.dead_letters import ReasonCode
from schemas.events import read_event_record
from schemas.topics import DEAD_LETTERS, EVENTS

KEY = SealingKey("a key for tests only, never for anything else")
BOT = "U" + "b0" * 16
NOW = 1_732_250_000_000
CONNECTION = ConnectionRecord(
    number=1, status="connected", name="Shop", channel_id="2001", created_at=1, version=1, bot_user_id=BOT,
    secrets=(seal(KEY, 1, "secret", "s" * 32),),
)  # fmt: skip


def event(number: int = 1) -> dict[str, object]:
    source = {"type": "user", "userId": f"U{number:032x}"}
    return {"type": "follow", "timestamp": NOW - 9, "source": source, "webhookEventId": f"01J{number:023d}"}


def webhook(*events: object, destination: str = BOT) -> bytes:
    return orjson.dumps({"destination": destination, "events": events})


def read(
    value: bytes | None,
    reason: ReasonCode = "not_a_webhook",
    *,
    key: bytes = b"connection:1",
    connection: ConnectionRecord = CONNECTION,
) -> list[KafkaRecord] | Fate:
    letter = Letter(
        place=Place(0, 0), key=key, size=1, topic=EVENTS.name, origin_partition=0, origin_offset=-1, at=NOW,
        stage="ingress", reason=reason,
    )  # fmt: skip
    return IngressLetters({1: connection}, KEY, partitions=4, now=NOW).read(letter, value)


def code(answer: list[KafkaRecord] | Fate) -> str | None:
    assert isinstance(answer, Fate)
    return answer.code


def test_a_webhook_that_reads_now_becomes_the_records_it_would_have_been() -> None:
    made = read(webhook(event(1), event(2)))
    assert isinstance(made, list)
    assert [one.topic for one in made] == [EVENTS.name] * 2
    assert [one.timestamp for one in made] == [NOW, NOW], "as old as when it came"
    first = read_event_record(made[0].value)
    assert (first.origin, first.received_at, first.event) == ("webhook", NOW, event(1))
    assert made[0].key == event(1)["source"]["userId"].encode()  # type: ignore[index]


@pytest.mark.parametrize("value", [b"", b"?", b"[]", b'{"events":1}'])
def test_what_is_no_webhook_still_is_left(value: bytes) -> None:
    assert code(read(value)) == "not_a_webhook"


def test_a_webhook_of_another_account_is_left_until_the_account_is_the_connection_s() -> None:
    body = webhook(event(), destination="U" + "ff" * 16)
    assert code(read(body, "wrong_destination")) == "wrong_destination"
    moved = msgspec.structs.replace(CONNECTION, bot_user_id="U" + "ff" * 16)
    assert isinstance(read(body, "wrong_destination", connection=moved), list)


def test_one_member_is_read_alone() -> None:
    """The letter holds the bytes of one event: its neighbours went in when it came."""
    made = read(orjson.dumps(event()), "unreadable")
    assert isinstance(made, list)
    assert [one.topic for one in made] == [EVENTS.name]
    assert code(read(b"17", "unreadable")) == "unreadable"


def test_neighbours_of_what_is_still_too_large_do_not_go_again() -> None:
    large = event() | {"type": "message", "message": {"id": "1", "type": "text", "text": "x" * (4 * 1024 * 1024)}}
    assert code(read(webhook(event(2), large), "too_large")) == "too_large"


def test_a_member_that_nobody_can_read_becomes_a_letter_of_its_own() -> None:
    made = read(webhook(event(), 17), "wrong_destination")
    assert isinstance(made, list)
    assert [(one.topic, one.value) for one in made if one.topic != EVENTS.name] == [(DEAD_LETTERS.name, b"17")]


def test_a_connection_that_is_gone_or_sealed_speaks_for_nothing() -> None:
    removed = msgspec.structs.replace(CONNECTION, status="removed", secrets=())
    assert code(read(webhook(event()), connection=removed)) == "connection_removed"
    assert code(read(webhook(event()), key=b"connection:2")) == "no_connection"
    assert code(read(webhook(event()), key=b"U1")) == "no_connection"
    foreign = SealingKey("another key that sealed it, for tests only")
    sealed = msgspec.structs.replace(CONNECTION, secrets=(seal(foreign, 1, "secret", "s" * 32),))
    assert code(read(webhook(event()), connection=sealed)) == "sealed"
