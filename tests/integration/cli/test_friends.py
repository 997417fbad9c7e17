"""What `friends resync` and `friends erase` ask for, on real Kafka: events of an operator, for the fold to obey."""

import pytest

from cli.erasure import place_of, until_erased
from cli.friends import _append
from runtime.appender import Appender, Outgoing, partition_of
from runtime.log_reader import read_log
from runtime.refusal import NOT_FOUND, TIMED_OUT, Refusal
from runtime.settings import Settings
from schemas.codec import encode
from schemas.events import read_event_record
from schemas.friends import ConnectionState, Contact, FriendState
from schemas.topics import EVENTS, FRIENDS


async def known(settings: Settings, *friends: str) -> None:
    both = {"3": ConnectionState(), "2": ConnectionState()}
    await write(settings, *[FriendState(friend=friend, revision=1, connections=both) for friend in friends])


async def write(settings: Settings, *rows: FriendState) -> None:
    appender = Appender(settings.kafka, client_id="test")
    try:
        records: list[Outgoing] = [(row.friend.encode(), encode(row), []) for row in rows]
        await appender.append_by_key(FRIENDS.name, settings.partitions, records)
    finally:
        await appender.stop()


@pytest.mark.parametrize("kind", ["resync", "erase"])
async def test_one_friend_is_asked_for_in_its_own_partition(topics: Settings, kind: str) -> None:
    await known(topics, "U1", "U2")
    assert await _append(topics.kafka, kind, "U1") == 1
    [record] = [record async for record in read_log(topics.kafka, EVENTS.name)]
    asked = read_event_record(record.value)
    assert (record.key, record.partition) == (b"U1", partition_of(b"U1", topics.partitions))
    assert (asked.origin, asked.connection, asked.event["type"]) == ("operator", 2, kind)
    assert asked.event["source"] == {"type": "user", "userId": "U1"}
    assert dict(record.headers)["ce_type"] == f"friendstream.{kind}".encode()


async def test_everybody_is_asked_for_once(topics: Settings) -> None:
    await known(topics, "U1", "U2", "U3")
    assert await _append(topics.kafka, "resync", None) == 3
    assert {record.key async for record in read_log(topics.kafka, EVENTS.name)} == {b"U1", b"U2", b"U3"}


async def test_a_friend_nobody_knows_is_refused(topics: Settings) -> None:
    with pytest.raises(Refusal) as refused:
        await _append(topics.kafka, "erase", "U9")
    assert refused.value.exit_code == NOT_FOUND


async def test_an_erasure_is_waited_for_and_no_older_row_counts(topics: Settings) -> None:
    """An erased row of before, or one that still waits for an answer, is not yet this erasure."""
    waiting = FriendState(friend="U1", revision=2, erased_at=1, contact=Contact(status="erased"))
    erased = FriendState(friend="U1", revision=3, erased_at=2)
    await known(topics, "U1")
    place = await place_of(topics.kafka, "U1")
    for row, done in ((None, False), (waiting, False), (erased, True)):
        if row is not None:
            await write(topics, row)
        if done:
            await until_erased(topics.kafka, "U1", place, timeout=20.0)
            return
        with pytest.raises(Refusal) as refused:
            await until_erased(topics.kafka, "U1", place, timeout=0.5)
        assert refused.value.exit_code == TIMED_OUT
