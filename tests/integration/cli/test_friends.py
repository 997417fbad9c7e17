"""What `friends resync` and `friends erase` ask for, on real Kafka: events of an operator, for the fold to obey."""

import pytest

from cli.friends import _append
from runtime.appender import Appender, partition_of
from runtime.log_reader import read_log
from runtime.refusal import NOT_FOUND, Refusal
from runtime.settings import Settings
from schemas.codec import encode
from schemas.events import read_event_record
from schemas.friends import ConnectionState, FriendState
from schemas.topics import EVENTS, FRIENDS


async def known(settings: Settings, *friends: str) -> None:
    appender = Appender(settings.kafka, client_id="test")
    try:
        for friend in friends:
            row = FriendState(friend=friend, revision=1, connections={"3": ConnectionState(), "2": ConnectionState()})
            partition = partition_of(friend.encode(), settings.partitions)
            await appender.append(FRIENDS.name, partition, [(friend.encode(), encode(row), [])])
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
