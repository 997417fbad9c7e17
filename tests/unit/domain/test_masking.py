"""What a masked record still shows, and what it never does."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from domain.masking import masked, masked_header, masked_key
from schemas.codec import encode
from tests.unit.domain.world import U, message, profile

SECRET = "0901234567 Mari"


def test_structure_times_and_event_ids_are_shown_and_nothing_personal() -> None:
    record = orjson.loads(encode(message(1, SECRET)))
    record["event"]["webhookEventId"] = "01JD9Z3V5M8QK2T7XW4RBN6CFH"
    assert masked(record) == {
        "connection": 1,
        "received_at": record["received_at"],
        "origin": "webhook",
        "event": {
            "type": "message",
            "timestamp": record["event"]["timestamp"],
            "source": {"type": "user", "userId": "(33 characters)"},
            "message": {"id": "(2 characters)", "type": "text", "text": "(15 characters)"},
            "webhookEventId": "01JD9Z3V5M8QK2T7XW4RBN6CFH",
        },
    }
    assert "Mei" not in str(masked(orjson.loads(encode(profile(1)))))


def test_a_broken_record_with_content_in_odd_places_shows_none_of_it() -> None:
    broken = {"type": SECRET, U: 1, SECRET: {"timestamp": SECRET, "phone": 901234567, "latitude": 35.6}, "id": SECRET}
    shown = str(masked(broken))
    for content in (SECRET, U, "901234567", "35.6"):
        assert content not in shown


def test_what_is_long_or_deep_is_cut() -> None:
    deep: object = "x"
    for _ in range(900):
        deep = [deep]
    assert "(deeper)" in str(masked(deep))
    assert masked(list(range(30)))[-1] == "(10 more)"
    assert len(masked({f"n{n}": n for n in range(30)})) == 21


LETTERS = st.text(alphabet="ABCDEFGHIJ", min_size=9, max_size=20)
JSON = st.recursive(
    LETTERS | st.integers(10**8, 10**12), lambda inner: st.lists(inner) | st.dictionaries(st.just("name"), inner)
)


@given(JSON)
def test_no_text_of_a_person_survives(value: object) -> None:
    texts = [
        part for part in str(value).replace("'", " ").replace(",", " ").split() if part.isalnum() and len(part) > 8
    ]
    shown = str(masked(value))
    assert not [text for text in texts if text in shown]


def test_keys_and_headers() -> None:
    assert masked_key(b"connection:12") == "connection:12"
    assert masked_key(U.encode()) == "U8e8e…"
    assert masked_key(b"\xff\xfe") == "…"
    assert masked_key(None) == ""
    assert masked_header("dl_reason", "unreadable") == ("dl_reason", "unreadable")
    assert masked_header("ce_type", "line.message") == ("ce_type", "line.message")
    assert masked_header("ce_type", f"line.{SECRET}") == ("ce_type", "(20 characters)")
    assert masked_header("ce_id", f"{U}:1:2:3") == ("ce_id", "(39 characters)")
    assert masked_header(U, SECRET) == ("(33 characters)", "(15 characters)")
