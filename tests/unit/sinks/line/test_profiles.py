"""A profile is answered, waited for, or dropped and counted; nothing else."""

import asyncio

from clients.line import LineTrouble, Profile
from schemas.results import ProfileResult
from sinks.line.profiles import Discarded

DATE = 1_732_250_000_000
AWAY = LineTrouble(None, "unreachable")
SERVER = LineTrouble(500, "server_trouble")
LIMITED = LineTrouble(429, "rate_limited")


async def test_a_profile_is_answered_at_line_s_time(profiles, profile_request) -> None:
    """`at` is the Date of LINE's answer and the rest of that second."""
    request = profile_request()
    result = await profiles.answer(request)
    assert (result.request, result.kind, result.friend, result.connection) == (request.id, "profile", "U1", 1)
    assert (result.requested_at, result.at) == (DATE, DATE + 999)
    assert result.profile == ProfileResult(found=True, name="Mari", picture="https://p.example/1")


async def test_not_found_is_an_answer(profiles, profile_request, line) -> None:
    line.script = [None]
    assert (await profiles.answer(profile_request())).profile == ProfileResult(found=False)


async def test_a_profile_without_picture_has_none(profiles, profile_request, line) -> None:
    line.script = [Profile("Mari", None)]
    assert (await profiles.answer(profile_request())).profile == ProfileResult(found=True, name="Mari")


async def test_trouble_that_passes_is_waited_out(profiles, profile_request, line, time) -> None:
    line.script = [AWAY, SERVER, LIMITED, LineTrouble(None, "timed_out")]
    assert (await profiles.answer(profile_request())).profile.found
    assert len(line.calls) == 5
    assert time.seconds > 0


async def test_while_line_answers_nobody_a_request_waits_for_days(profiles, profile_request, line, time) -> None:
    line.script = [AWAY] * 5000
    assert (await profiles.answer(profile_request())).profile.found
    assert time.seconds > 24 * 3600


async def test_where_line_answers_others_one_friend_s_trouble_ends_after_a_bounded_time(
    profiles, profile_request, line, time
) -> None:
    line.of_user["U1"] = SERVER

    async def others() -> None:
        while time.seconds < 200:
            await profiles.answer(profile_request("U2", cause=str(time.seconds), requested_at=DATE + 10**9))
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    assert await profiles.answer(profile_request()) == Discarded("server_trouble")
    assert 90 <= time.seconds < 200
    other.cancel()


async def test_a_rate_limit_is_waited_for_longer(profiles, profile_request, line, time, calls) -> None:
    line.of_user["U1"] = LIMITED
    calls.answered_at = 1e9
    assert await profiles.answer(profile_request()) == Discarded("rate_limited")
    assert time.seconds >= 600


async def test_an_answer_that_nobody_can_read_is_asked_for_again_but_not_for_ever(
    profiles, profile_request, line, time
) -> None:
    line.script = [LineTrouble(None, "unreadable_answer")]
    assert (await profiles.answer(profile_request())).profile.found
    line.otherwise = LineTrouble(None, "unreadable_answer")
    assert await profiles.answer(profile_request("U2")) == Discarded("unreadable_answer")
    assert time.seconds < 60


async def test_an_id_that_line_refuses_is_dropped_at_once(profiles, profile_request, line) -> None:
    line.script = [LineTrouble(400, "bad_request")]
    assert await profiles.answer(profile_request()) == Discarded("bad_request")
    assert len(line.calls) == 1


async def test_an_expired_token_is_replaced_once_and_the_call_repeated(profiles, profile_request, line) -> None:
    line.script = [LineTrouble(401, "unauthorized")]
    assert (await profiles.answer(profile_request())).profile.found
    assert [call[1] for call in line.calls] == ["token 1 of 2001", "token 2 of 2001"]


async def test_a_connection_whose_secret_is_refused_waits_a_minute_and_holds_up_nobody_after_that(
    profiles, profile_request, line, time
) -> None:
    line.issue = [LineTrouble(400, "bad_request")]
    assert await profiles.answer(profile_request()) == Discarded("token_rejected")
    assert 60 <= time.seconds < 120
    before = time.seconds
    assert await profiles.answer(profile_request("U2")) == Discarded("token_rejected")
    assert time.seconds == before
    line.issue = []
    assert (await profiles.answer(profile_request("U3", connection=2))).profile.found
    time.seconds += 60
    assert (await profiles.answer(profile_request("U2"))).profile.found


async def test_a_secret_that_is_put_right_within_the_minute_answers_the_request(
    profiles, profile_request, line, records, key
) -> None:
    line.issue = [LineTrouble(400, "bad_request")] * 2
    asking = asyncio.create_task(profiles.answer(profile_request()))
    await asyncio.sleep(0)
    line.issue = []
    assert (await asking).profile.found


async def test_nothing_is_asked_for_connections_that_may_not_speak(profiles, profile_request, line, records) -> None:
    for status in ("removed", "paused", "draft"):
        records.set(1, status=status)
        assert await profiles.answer(profile_request()) == Discarded(f"connection_{status}")
    assert await profiles.answer(profile_request(connection=9)) == Discarded("connection_unknown")
    assert line.calls == []


async def test_a_connection_newer_than_our_view_is_waited_for(profiles, profile_request, records) -> None:
    late = records.connections.pop(1)
    asking = asyncio.create_task(profiles.answer(profile_request()))
    await asyncio.sleep(0)
    records.connections[1] = late
    assert (await asking).profile.found


async def test_the_same_question_is_asked_once_and_answered_to_each(profiles, profile_request, line) -> None:
    requests = [profile_request(cause=cause) for cause in ("a", "b", "c")]
    results = await asyncio.gather(*[profiles.answer(request) for request in requests])
    assert [result.request for result in results] == [request.id for request in requests]
    assert len(line.calls) == 1


async def test_a_question_asked_before_the_request_was_made_is_too_old_for_it(profiles, profile_request, line) -> None:
    """The first answer may be from before the friend came back; the second request must see the friend."""
    line.script = [None]
    first = asyncio.create_task(profiles.answer(profile_request(cause="a")))
    await asyncio.sleep(0)
    second = await profiles.answer(profile_request(cause="b", requested_at=DATE + 1))
    assert (await first).profile.found is False
    assert second.profile.found


async def test_nobody_is_called_while_the_lease_is_away(profiles, profile_request, line, lease, time) -> None:
    time.seconds = 1e9
    asking = asyncio.create_task(profiles.answer(profile_request(requested_at=0)))
    for _ in range(50):
        await asyncio.sleep(0)
    assert line.calls == []
    assert line.issued == 0
    lease.renew(time.seconds)
    assert (await asking).profile.found


async def test_while_an_operator_pauses_the_sink_nobody_is_called_and_nothing_is_given_up(
    profiles, profile_request, calls, line, time
) -> None:
    calls.held = lambda: time.seconds < 86_400
    assert (await profiles.answer(profile_request())).profile.found
    assert (len(line.calls), line.issued) == (1, 1)
    assert 86_400 <= time.seconds < 86_401


async def test_a_pause_that_comes_while_a_token_is_fetched_stops_the_call(
    profiles, profile_request, calls, line, time
) -> None:
    calls.held = lambda: line.issued == 1 and time.seconds < 60
    assert (await profiles.answer(profile_request())).profile.found
    assert (len(line.calls), line.issued) == (1, 1)
    assert time.seconds >= 60
