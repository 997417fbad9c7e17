"""Dead letters of the fold."""

from __future__ import annotations

from typing import Any

import pytest

from processors.dead_letters import dead_letter, place_of
from runtime.appender import LARGEST_RECORD, size_of
from schemas import friends


def test_a_record_as_large_as_the_broker_takes_keeps_its_coordinates_only(message: Any) -> None:
    record = message(offset=5)
    record.value = b"x" * LARGEST_RECORD
    key, value, headers = letter = dead_letter(record, "unreadable", 1)
    assert value is None
    assert key == record.key
    assert dict(headers)["dl_offset"] == b"5"
    assert size_of(letter) <= LARGEST_RECORD


def test_a_null_header_of_a_foreign_writer_ends_nothing(message: Any) -> None:
    record = message(headers=[("x", None)])
    assert dead_letter(record, "unreadable", 1)[2][0] == ("x", b"")


def test_the_place_is_the_innermost_frame_of_our_own_code() -> None:
    with pytest.raises(ValueError) as trouble:
        friends.read_friend_state(b"no json")
    assert place_of(trouble.value.__traceback__).startswith("schemas.codec:")


def test_no_trace_is_no_place() -> None:
    assert place_of(None) == "unknown:0"
