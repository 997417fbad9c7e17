"""Topics on real Kafka: created once, seeded once, every difference said."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from runtime.appender import Appender
from runtime.embedded_kafka import EmbeddedKafka
from runtime.log_reader import committed, partition_count
from runtime.settings import Settings
from runtime.topics import align_topics, compare_topics, create_topics
from schemas import topics as schema


async def test_creates_every_topic_and_finds_no_difference_afterwards(
    clean_kafka: EmbeddedKafka, settings_for: Callable[..., Settings]
) -> None:
    created = await create_topics(clean_kafka.address, settings_for())
    assert sorted(created) == sorted(topic.name for topic in schema.ALL)
    assert await compare_topics(clean_kafka.address, settings_for()) == []
    assert await create_topics(clean_kafka.address, settings_for()) == []
    assert await partition_count(clean_kafka.address, schema.EVENTS.name) == 4
    assert await partition_count(clean_kafka.address, schema.CONNECTIONS.name) == 1


async def test_seeds_both_sink_groups_at_zero_and_no_other(clean_kafka: EmbeddedKafka, topics: Settings) -> None:
    for group, topic in ((schema.HUBSPOT_GROUP, schema.CHANGES), (schema.LINE_GROUP, schema.REQUESTS)):
        expected = {TopicPartition(topic.name, partition): 0 for partition in range(4)}
        assert await committed(clean_kafka.address, group) == expected
    assert await committed(clean_kafka.address, schema.FOLD_GROUP) == {}


async def test_never_seeds_a_group_where_records_exist(
    clean_kafka: EmbeddedKafka, settings_for: Callable[..., Settings]
) -> None:
    _create(clean_kafka, NewTopic(schema.CHANGES.name, 4, 1))
    appender = Appender(clean_kafka.address, client_id="test")
    await appender.append(schema.CHANGES.name, 2, [(b"U", b"{}", [])])
    await appender.stop()
    assert schema.CHANGES.name not in await create_topics(clean_kafka.address, settings_for())
    assert await committed(clean_kafka.address, schema.HUBSPOT_GROUP) == {}
    assert len(await committed(clean_kafka.address, schema.LINE_GROUP)) == 4


async def test_seeds_what_a_killed_creator_left_unseeded(
    clean_kafka: EmbeddedKafka, settings_for: Callable[..., Settings]
) -> None:
    _create(clean_kafka, NewTopic(schema.CHANGES.name, 4, 1))
    await create_topics(clean_kafka.address, settings_for())
    assert len(await committed(clean_kafka.address, schema.HUBSPOT_GROUP)) == 4


async def test_never_moves_an_offset(clean_kafka: EmbeddedKafka, topics: Settings) -> None:
    where = TopicPartition(schema.CHANGES.name, 0)
    member = AIOKafkaConsumer(
        bootstrap_servers=clean_kafka.address, group_id=schema.HUBSPOT_GROUP, enable_auto_commit=False
    )
    await member.start()
    member.assign([where])
    await member.commit({where: 7})
    await member.stop()
    await create_topics(clean_kafka.address, topics)
    assert (await committed(clean_kafka.address, schema.HUBSPOT_GROUP))[where] == 7


async def test_existing_topics_decide_the_number_of_partitions(
    clean_kafka: EmbeddedKafka, settings_for: Callable[..., Settings]
) -> None:
    _create(clean_kafka, NewTopic(schema.EVENTS.name, 3, 1))
    await create_topics(clean_kafka.address, settings_for(partitions=12))
    assert await partition_count(clean_kafka.address, schema.FRIENDS.name) == 3


async def test_names_a_missing_topic_another_count_and_another_configuration(
    clean_kafka: EmbeddedKafka, topics: Settings, settings_for: Callable[..., Settings]
) -> None:
    _delete(clean_kafka, schema.RESULTS.name, schema.FRIENDS.name)
    _create(clean_kafka, NewTopic(schema.FRIENDS.name, 5, 1))
    problems = await compare_topics(clean_kafka.address, settings_for(retention_days=30))
    assert "line.results.v1 is missing" in problems
    assert "friends.v1 has 5 partitions, it must have 4" in problems
    assert "friends.v1 has cleanup.policy delete, it must have compact" in problems
    assert "line.events.v1 has retention.ms 2419200000, it must have 2592000000" in problems


async def test_aligning_changes_the_configuration_and_says_what(
    clean_kafka: EmbeddedKafka, topics: Settings, settings_for: Callable[..., Settings]
) -> None:
    changes = await align_topics(clean_kafka.address, settings_for(retention_days=7))
    assert "line.events.v1: retention.ms 2419200000 -> 604800000" in changes
    assert await compare_topics(clean_kafka.address, settings_for(retention_days=7)) == []


def _create(kafka: EmbeddedKafka, topic: NewTopic) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.address})
    for created in admin.create_topics([topic]).values():
        created.result(timeout=20)
    while (found := admin.list_topics(timeout=10).topics.get(topic.topic)) is None or not found.partitions:
        time.sleep(0.02)


def _delete(kafka: EmbeddedKafka, *names: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.address})
    for deleted in admin.delete_topics(list(names)).values():
        deleted.result(timeout=20)
    while set(names) & set(admin.list_topics(timeout=10).topics):
        time.sleep(0.02)
