"""The way out when a sink's place has vanished, on real Kafka."""

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.sink import _reset
from runtime.appender import Appender, partition_of
from runtime.log_reader import committed, end_offsets, read_log
from runtime.settings import Settings
from schemas.codec import encode
from schemas.friends import FriendState, Sent
from schemas.topics import CHANGES, FRIENDS, HUBSPOT_GROUP, OUTCOMES


async def test_a_place_that_is_there_is_left_alone(topics: Settings) -> None:
    assert await _reset(topics.kafka, "hubspot") == ([], 0)


async def test_a_vanished_place_goes_on_at_the_end_and_skipped_friends_are_settled_anew(topics: Settings) -> None:
    friend = b"U1"
    partition = partition_of(friend, topics.partitions)
    appender = Appender(topics.kafka, client_id="test")
    await appender.append(CHANGES.name, partition, [(friend, b"{}", [])] * 3)
    waiting = FriendState(friend="U1", revision=7, sent=Sent(revision=7, digest="d", at=1))
    await appender.append(FRIENDS.name, partition, [(friend, encode(waiting), [])])
    await appender.stop()
    await _misplace(topics.kafka, TopicPartition(CHANGES.name, partition))

    assert await _reset(topics.kafka, "hubspot") == ([partition], 1)

    place = TopicPartition(CHANGES.name, partition)
    assert (await committed(topics.kafka, HUBSPOT_GROUP))[place] == (await end_offsets(topics.kafka, CHANGES.name))[
        partition
    ]
    told = [orjson.loads(record.value) async for record in read_log(topics.kafka, OUTCOMES.name)]
    assert [(one["friend"], one["result"], one["revision"]) for one in told] == [("U1", "unanswered", 7)]


async def _misplace(brokers: str, place: TopicPartition) -> None:
    """What a re-created or restored topic does to a sink: its place is where the topic never was."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, group_id=HUBSPOT_GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([place])
        await consumer.commit({place: 1000})
    finally:
        await consumer.stop()
