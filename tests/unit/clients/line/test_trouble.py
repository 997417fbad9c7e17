"""Trouble is told apart by the status, and says nothing of what was sent or answered."""

import pytest

from clients.line import LineTrouble
from clients.line.trouble import date_of, trouble_of

CASES = [
    (400, b'{"message":"The request body has 1 error(s)"}', "bad_request", False),
    (400, b'{"message":"Invalid reply token"}', "invalid_reply_token", False),
    (400, b"\xff\xfe", "bad_request", False),
    (401, b'{"message":"Authentication failed due to the following reason: invalid token"}', "unauthorized", False),
    (403, b'{"message":"Access to this API is not available for your account"}', "forbidden", False),
    (404, b'{"message":"Not found"}', "not_found", False),
    (409, b'{"message":"The retry key is already accepted"}', "retry_key_used", False),
    (413, b"", "refused", False),
    (429, b'{"message":"The API rate limit has been exceeded. Try again later."}', "rate_limited", True),
    (429, b'{"message":"You have reached your monthly limit."}', "quota_exhausted", False),
    (429, b'["odd"]', "rate_limited", True),
    (500, b'{"message":"Internal"}', "server_trouble", True),
    (503, None, "server_trouble", True),
]


@pytest.mark.parametrize(("status", "body", "reason", "passes"), CASES)
def test_each_answer_is_one_reason(status: int, body: bytes | None, reason: str, passes: bool) -> None:
    trouble = trouble_of(status, {}, body)
    assert (trouble.reason, trouble.passes) == (reason, passes)


def test_no_answer_passes() -> None:
    assert LineTrouble(None, "timed_out").passes
    assert LineTrouble(None, "unreachable").passes


def test_it_carries_line_s_clock_and_request_id_and_quotes_nothing() -> None:
    headers = {"Date": "Fri, 22 Nov 2024 04:33:20 GMT", "x-line-request-id": "r1", "x-line-accepted-request-id": "r0"}
    trouble = trouble_of(409, headers, b'{"message":"hello Mari"}')
    assert (trouble.at, trouble.request_id) == (1_732_250_000_000, "r0")
    assert "Mari" not in f"{trouble} {trouble!r}"


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2024 04:33:20 GMT"])
def test_a_date_that_is_none_is_none(date: str) -> None:
    assert date_of({"Date": date}) is None
