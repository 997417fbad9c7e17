from __future__ import annotations

import pytest

from schemas.changes import read_change
from schemas.cloud_events import event_headers, rfc3339
from schemas.codec import Unreadable, canonical, digest_of
from schemas.dead_letters import dead_letter_headers
from schemas.events import EventRecord, event_id, read_event_record


@pytest.mark.parametrize("raw", [b"", b"7", b"{}", b"\xff", b"[" * 5000, b'{"friend":1}'])
def test_bytes_that_are_no_record_are_unreadable_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read_change(raw)
    assert str(unreadable.value) == "unreadable"
    assert unreadable.value.__cause__ is None


def test_unknown_fields_are_ignored_and_absent_ones_have_their_default() -> None:
    record = read_event_record(b'{"connection":1,"received_at":2,"origin":"webhook","event":{"new":1},"later":[]}')
    assert record == EventRecord(connection=1, received_at=2, origin="webhook", event={"new": 1})


def test_the_digest_ignores_the_order_of_properties() -> None:
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    assert len(digest_of({})) == 16


def test_canonical_bytes_carry_integers_of_any_size() -> None:
    assert canonical({"b": 2**80, "a": 1}) == b'{"a":1,"b":1208925819614629174706176}'


def test_an_event_is_known_by_lines_id_where_it_can_be_used() -> None:
    assert event_id(1, {"webhookEventId": "01K8"}) == "01K8"
    for odd in ("", "x" * 65, "ü", "a\nb", 7, None):
        assert event_id(1, {"webhookEventId": odd}).startswith("x-")


def test_the_fallback_id_ignores_redelivery_and_nothing_else() -> None:
    event = {"type": "follow", "timestamp": 1}
    assert event_id(1, event) == event_id(1, event | {"deliveryContext": {"isRedelivery": True}})
    assert len({event_id(1, event), event_id(2, event), event_id(1, event | {"timestamp": 2})}) == 3


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (1760922682123, "2025-10-20T01:11:22.123Z"), (1760922682005, "2025-10-20T01:11:22.005Z"),
        (0, "1970-01-01T00:00:00.000Z"), (-5, "1970-01-01T00:00:00.000Z"),
    ],
)  # fmt: skip
def test_times_are_shown_with_milliseconds(ms: int, shown: str) -> None:
    assert rfc3339(ms) == shown


def test_an_absurd_time_still_has_a_form() -> None:
    assert rfc3339(2**80).endswith("Z")


@pytest.mark.parametrize("kind", [None, 7, "", "ü", "x" * 65, "a\r\nb"])
def test_a_kind_that_no_header_can_carry_is_unknown(kind: object) -> None:
    record = EventRecord(connection=1, received_at=2, origin="webhook", event={"type": kind})
    assert dict(event_headers(record, "id", 1))["ce_type"] == b"line.unknown"


def test_a_dead_letter_that_dies_again_keeps_its_headers_and_only_the_newest_reason() -> None:
    place = {"topic": "t", "partition": 1, "offset": 2, "at": 3}
    first = dead_letter_headers([("ce_id", b"1")], **place, stage="fold", reason="unreadable")  # type: ignore[arg-type]  # one place for both
    second = dead_letter_headers(first, **place, stage="line", reason="fold_failed", where="x.py:1")  # type: ignore[arg-type]  # as above
    assert [name for name, _ in second].count("dl_reason") == 1
    assert dict(second)["dl_reason"] == b"fold_failed"
    assert dict(second)["ce_id"] == b"1"
