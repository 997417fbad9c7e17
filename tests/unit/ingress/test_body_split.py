from __future__ import annotations

import pytest

from ingress.body_split import mend, split


def test_members_keep_their_bytes_and_the_rest_is_the_envelope_around_an_empty_list() -> None:
    body = b'{"a":[1,{"events":[9]}], "events" : [ {"x":"],[\\"}"} , 7, [1,2] ] ,"z":1}'
    found = split(body)
    assert found is not None
    assert found.events == [b'{"x":"],[\\"}"}', b"7", b"[1,2]"]
    assert found.rest == b'{"a":[1,{"events":[9]}], "events" : [] ,"z":1}'


def test_an_empty_list_has_no_members() -> None:
    assert split(b'{"events":[ ]}') == (b'{"events":[]}', [])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"events":1}', b'{"events":{"a":[1]}}', b'{"a":{"events":[1]}}', b'{"events":[1,]}',
        b'{"events":[,1]}', b'{"events":[1', b'{"events":["a]}', b'{"events":[1}', b'["events",[1]]',
        b'{"x":"events",[1]}',
    ],
)  # fmt: skip
def test_a_body_without_a_complete_list_of_events_is_not_split(body: bytes) -> None:
    assert split(body) is None


def test_a_megabyte_of_brackets_is_cut_without_recursion() -> None:
    found = split(b'{"events":[1,' + b"[" * 500_000 + b"]" * 500_000 + b",2]}")
    assert found is not None
    assert found.events[0] == b"1"
    assert found.events[2] == b"2"


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        (rb'"\ud83e\udd28"', rb'"\ud83e\udd28"'),
        (rb'"\ud83e"', rb'"\ufffd"'),
        (rb'"\ud83e\ud83e\udd28"', rb'"\ufffd\ud83e\udd28"'),
        (rb'"\udd28\uD83E"', rb'"\ufffd\ufffd"'),
        (rb'"\\ud83e"', rb'"\\ud83e"'),
        (rb'"\\\ud83e"', rb'"\\\ufffd"'),
        (b'"\xed\xa0\xbe"', '"\ufffd"'.encode()),
        (b'"a\xffb"', '"a\ufffdb"'.encode()),
        ('"テスト"'.encode(), '"テスト"'.encode()),
    ],
)
def test_only_what_json_cannot_carry_is_replaced(raw: bytes, mended: bytes) -> None:
    assert mend(raw) == mended
