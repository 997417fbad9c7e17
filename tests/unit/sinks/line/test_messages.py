"""A message is sent at most once, and called sent only when LINE said so."""

import asyncio

import pytest

from clients.line import LineTrouble

DATE = 1_732_250_000_000
TIMED_OUT = LineTrouble(None, "timed_out")
LIMITED = LineTrouble(429, "rate_limited")
USED = LineTrouble(400, "invalid_reply_token", at=DATE)


async def send(messages, request, tried_before: bool = False):
    return await messages.answer(request, tried_before=tried_before)


async def test_a_push_carries_its_request_s_id_as_retry_key_on_every_try(
    messages, message_request, line, delivered
) -> None:
    line.script = [TIMED_OUT, LineTrouble(500, "server_trouble"), LIMITED, delivered()]
    request = message_request(answers_at=5)
    result = await send(messages, request)
    assert {call[2] for call in line.calls} == {request.id}
    assert len(line.calls) == 4
    assert (result.request, result.kind, result.at) == (request.id, "message", DATE + 999)
    sent = result.message
    assert (sent.result, sent.status, sent.line_request_id) == ("sent", 200, "line-request")
    assert (sent.clears_unanswered, sent.answers_at) == (True, 5)


async def test_a_retry_key_that_line_knows_is_already_sent(messages, message_request, line, delivered) -> None:
    line.script = [TIMED_OUT, delivered(already=True)]
    sent = (await send(messages, message_request())).message
    assert (sent.result, sent.status) == ("already_sent", 409)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (LineTrouble(400, "bad_request"), "bad_request"),
        (LineTrouble(403, "forbidden"), "forbidden"),
        (LineTrouble(429, "quota_exhausted"), "quota_exhausted"),
    ],
)
async def test_other_4xx_are_refusals(messages, message_request, line, trouble, reason) -> None:
    line.script = [trouble]
    sent = (await send(messages, message_request())).message
    assert (sent.result, sent.status, sent.reason) == ("refused", trouble.status, reason)
    assert len(line.calls) == 1


async def test_a_message_is_not_sent_after_its_last_moment(messages, message_request, line) -> None:
    sent = (await send(messages, message_request(not_after=DATE - 1))).message
    assert (sent.result, sent.reason) == ("refused", "too_late")
    assert line.calls == []


async def test_a_push_in_doubt_at_its_last_moment_is_unknown(messages, message_request, line, time) -> None:
    """Without not_after: before the retry key would die after 24 h, and send a second time."""
    line.otherwise = TIMED_OUT
    sent = (await send(messages, message_request())).message
    assert (sent.result, sent.reason) == ("unknown", "too_late")
    assert 23 * 3600 < time.seconds < 24 * 3600


async def test_a_push_that_only_met_the_rate_limit_was_surely_not_sent(messages, message_request, line) -> None:
    line.otherwise = LIMITED
    sent = (await send(messages, message_request(not_after=DATE + 60_000))).message
    assert (sent.result, sent.reason) == ("refused", "too_late")


async def test_a_reply_goes_by_its_token(messages, message_request, line, delivered) -> None:
    line.script = [delivered()]
    sent = (await send(messages, message_request("reply", reply_token="r1"))).message
    assert sent.result == "sent"
    assert line.calls[0][:2] == ("reply", "r1")


async def test_a_used_reply_token_is_refused_unless_an_earlier_try_may_have_used_it(
    messages, message_request, line
) -> None:
    line.otherwise = USED
    request = message_request("reply", reply_token="r1")
    assert (await send(messages, request)).message.result == "refused"
    assert (await send(messages, request, tried_before=True)).message.result == "unknown"
    line.script = [TIMED_OUT]
    assert (await send(messages, request)).message.result == "unknown"


async def test_a_reply_without_token_is_refused(messages, message_request, line) -> None:
    sent = (await send(messages, message_request("reply"))).message
    assert (sent.result, sent.reason) == ("refused", "invalid_reply_token")
    assert line.calls == []


async def test_connections_that_may_not_speak_refuse_at_once(messages, message_request, line, records) -> None:
    records.set(1, status="paused")
    sent = (await send(messages, message_request())).message
    assert (sent.result, sent.reason) == ("refused", "connection_paused")
    line.issue = [LineTrouble(400, "bad_request")]
    sent = (await send(messages, message_request(connection=2))).message
    assert (sent.result, sent.reason) == ("refused", "token_rejected")
    assert line.calls == []


async def test_messages_of_one_friend_keep_their_order(messages, message_request, line, delivered) -> None:
    line.script = [TIMED_OUT, delivered(), delivered()]
    requests = [message_request(cause=cause) for cause in ("first", "second")]
    await asyncio.gather(*[send(messages, request) for request in requests])
    assert [call[2] for call in line.calls] == [requests[0].id, requests[0].id, requests[1].id]


async def test_a_message_that_became_too_late_during_a_pause_is_not_sent(
    messages, message_request, calls, line, time
) -> None:
    calls.held = lambda: time.seconds < 3600
    answer = await messages.answer(message_request(not_after=1_732_250_000_000 + 60_000), tried_before=False)
    assert (answer.message.result, answer.message.reason) == ("refused", "too_late")
    assert line.calls == []
