"""LINE's time, or the ULID's, or none."""

import pytest

from domain.event_time import AHEAD_MS, EARLIEST, OUR_CLOCK_MS, event_time, ulid_time
from tests.unit.domain.world import RECEIVED, Friend, event

ULID = "01K80000000000000000000001"
ULID_AT = 1_760_936_591_360


def test_the_time_inside_a_ulid_is_its_first_ten_digits():
    assert ulid_time("01ARYZ6S41TSV4RRFFQ69G5FAV") == 1_469_918_176_385  # the example of the specification
    assert ulid_time(ULID) == ULID_AT
    assert ulid_time("7ZZZZZZZZZ0000000000000000") == 2**48 - 1
    assert ulid_time(ULID.lower()) == ULID_AT


@pytest.mark.parametrize("odd", ["", "x-" + "0" * 32, "01K8", "01K8000U000000000000000001", "testwebhookeventid"])
def test_what_is_no_ulid_tells_no_time(odd):
    assert ulid_time(odd) is None


@pytest.mark.parametrize("at", [EARLIEST, RECEIVED, RECEIVED + AHEAD_MS])
def test_a_plausible_timestamp_counts_whatever_the_id_says(at):
    assert event_time({"timestamp": at}, ULID, RECEIVED) == at


@pytest.mark.parametrize(
    "absurd", [None, True, "1732250000000", 1732250000000.0, -1, 0, EARLIEST - 1, ULID_AT + 10**9, 2**80, [], {}]
)
def test_an_absurd_timestamp_is_replaced_by_the_time_inside_the_id(absurd):
    assert event_time({"timestamp": absurd}, ULID, ULID_AT + 1) == ULID_AT


@pytest.mark.parametrize("behind", [3_600_000, OUR_CLOCK_MS])
def test_where_both_of_lines_times_agree_our_clock_may_be_behind(behind):
    assert event_time({"timestamp": ULID_AT - 20}, ULID, ULID_AT - behind) == ULID_AT - 20


def test_two_times_that_agree_on_the_far_future_are_absurd_all_the_same():
    assert event_time({"timestamp": ULID_AT}, ULID, ULID_AT - OUR_CLOCK_MS - 1) is None


def test_an_id_alone_says_nothing_about_our_clock():
    assert event_time({"timestamp": 2**80}, ULID, ULID_AT - 3_600_000) is None


@pytest.mark.parametrize("event_id", ["00000000000000000000000001", "7ZZZZZZZZZ0000000000000000", "x-00"])
def test_where_both_are_absurd_there_is_no_time(event_id):
    assert event_time({"timestamp": 2**80}, event_id, RECEIVED) is None


def test_an_event_without_a_time_is_a_dead_letter_and_its_neighbours_fold():
    friend = Friend()
    made = friend.take(event("follow", 1), event("message", 10**14, event_id="x"), event("postback", 3))
    assert friend.dead == ["implausible_time"]
    assert made.dead[0][0].offset == 1
    assert [decision.cause.offset for decision in made.decisions] == [0, 2]
    assert friend.row.connections["1"].inbound is None


def test_an_event_of_nothing_but_absurd_times_touches_no_state():
    made = Friend().take(event("message", 10**14, event_id="x"))
    assert (made.state, made.decisions, made.changes) == (None, [], [])
