"""The topics of the contract in a real Kafka: created when missing, compared at every start.

Law: the number of partitions is decided once. Where topics exist, their count is what counts, not the setting; a
difference is said, never repaired, for altering a count would send a friend's records to two places. A sink's group is
given offset 0 only where nothing can have been written yet: elsewhere a missing offset has to stop the sink.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError, for_code
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import admin as confluent

from runtime.log_reader import committed, end_offsets, partition_count
from runtime.settings import Settings
from schemas import topics as schema
from schemas.topics import Topic

SINKS = ((schema.HUBSPOT_GROUP, schema.CHANGES), (schema.LINE_GROUP, schema.REQUESTS))


async def create_topics(brokers: str, settings: Settings) -> list[str]:
    """Create the topics that are missing and seed the sinks' groups for them; the names of those created now.

    New topics get as many partitions as the existing ones have; FRIENDSTREAM_PARTITIONS counts only before the first.
    """
    async with _admin(brokers) as admin:
        counts = await _counts(admin)
        partitions = _decided(counts) or settings.partitions
        missing = [topic for topic in schema.ALL if topic.name not in counts]
        created = await asyncio.to_thread(_create, brokers, missing, partitions, settings.retention_days)
        await _until(lambda: _all_seen(admin))
    for group, topic in SINKS:
        if topic.name in created or await _was_never_used(brokers, group, topic):
            await _seed(brokers, group, topic.name)
    return created


async def compare_topics(brokers: str, settings: Settings) -> list[str]:
    """What differs from the contract and the settings, as sentences; empty when all is as it should be."""
    async with _admin(brokers) as admin:
        counts = await _counts(admin)
    partitions = _decided(counts) or settings.partitions
    problems = [f"{topic.name} is missing" for topic in schema.ALL if topic.name not in counts]
    for topic in schema.ALL:
        found, wanted = counts.get(topic.name), schema.partitions_of(topic, partitions)
        if found not in (None, wanted):
            problems.append(f"{topic.name} has {found} partitions, it must have {wanted}")
    for name, entries in (await _config_differences(brokers, settings)).items():
        problems += [f"{name} has {key} {found}, it must have {wanted}" for key, wanted, found in entries]
    return problems


async def align_topics(brokers: str, settings: Settings) -> list[str]:
    """Give existing topics the configuration of the contract and the settings (never the count); what was changed."""
    differences = await _config_differences(brokers, settings)
    resources = []
    for topic, entries in differences.items():
        wanted = [
            confluent.ConfigEntry(name, value, incremental_operation=confluent.AlterConfigOpType.SET)
            for name, value, _found in entries
        ]
        resources.append(confluent.ConfigResource("topic", topic, incremental_configs=wanted))
    if resources:
        await asyncio.to_thread(_alter, brokers, resources)
        await _until(lambda: _aligned(brokers, settings))
    return [
        f"{topic}: {name} {found} -> {value}"
        for topic, entries in differences.items()
        for name, value, found in entries
    ]


async def _aligned(brokers: str, settings: Settings) -> bool:
    return not await _config_differences(brokers, settings)


async def _config_differences(brokers: str, settings: Settings) -> dict[str, list[tuple[str, str, str]]]:
    """By topic: (name, wanted, found)."""
    async with _admin(brokers) as admin:
        counts = await _counts(admin)
        here = [topic for topic in schema.ALL if topic.name in counts]
        configs = await _configs(admin, [topic.name for topic in here])
    differences = {topic.name: _different(topic, configs[topic.name], settings.retention_days) for topic in here}
    return {topic: entries for topic, entries in differences.items() if entries}


def _alter(brokers: str, resources: list[confluent.ConfigResource]) -> None:
    admin = confluent.AdminClient({"bootstrap.servers": brokers})  # has to live until its calls are done
    for done in admin.incremental_alter_configs(resources).values():
        done.result(timeout=30)


def _decided(counts: dict[str, int]) -> int | None:
    """The number of partitions that the existing topics have; what most of them say."""
    found = [counts[topic.name] for topic in schema.ALL if topic.name in counts and not topic.one_partition]
    return max(found, key=found.count) if found else None


def _different(topic: Topic, found: dict[str, str], retention_days: int) -> list[tuple[str, str, str]]:
    wanted = schema.config(topic, retention_days)
    return [(name, value, found.get(name, "absent")) for name, value in wanted.items() if found.get(name) != value]


def _create(brokers: str, missing: list[Topic], partitions: int, retention_days: int) -> list[str]:
    """The names created; replicas as the brokers' default says: 1 on an embedded node, elsewhere what was chosen."""
    if not missing:
        return []
    wanted = [
        confluent.NewTopic(
            topic.name,
            num_partitions=schema.partitions_of(topic, partitions),
            config=schema.config(topic, retention_days),
        )
        for topic in missing
    ]
    admin = confluent.AdminClient({"bootstrap.servers": brokers})  # has to live until its calls are done
    created = []
    for name, done in admin.create_topics(wanted, operation_timeout=30).items():
        try:
            done.result(timeout=60)
            created.append(name)
        except KafkaException as trouble:
            error = trouble.args[0]  # another process may create them at the same time
            if not isinstance(error, KafkaError) or error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    return created


async def _all_seen(admin: AIOKafkaAdminClient) -> bool:
    return len(await _counts(admin)) == len(schema.ALL)


async def _until(seen: Callable[[], Awaitable[bool]], attempts: int = 200) -> None:
    """Brokers learn a moment later what the controller has decided; wait for it, 10 s at most."""
    for _ in range(attempts):
        if await seen():
            return
        await asyncio.sleep(0.05)


async def _counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    names = set(await admin.list_topics()) & {topic.name for topic in schema.ALL}
    if not names:
        return {}
    return {found["topic"]: len(found["partitions"]) for found in await admin.describe_topics(sorted(names))}


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    found: dict[str, dict[str, str]] = {}
    for answer in answers:
        for code, message, _kind, name, entries in answer.resources:
            if code:
                raise for_code(code)(message)
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


async def _was_never_used(brokers: str, group: str, topic: Topic) -> bool:
    """Nothing written, nothing committed: the process that created the topic ended before it could seed the group."""
    if any(tp.topic == topic.name for tp in await committed(brokers, group)):
        return False
    return not any((await end_offsets(brokers, topic.name)).values())


async def _seed(brokers: str, group: str, topic: str) -> None:
    where = [TopicPartition(topic, partition) for partition in range(await partition_count(brokers, topic))]
    # A consumer that never subscribes may commit for its group without joining it.
    member: Any = AIOKafkaConsumer(bootstrap_servers=brokers, group_id=group, enable_auto_commit=False)
    try:
        await member.start()
        member.assign(where)
        await _commit_zero(member, where)
    finally:
        await member.stop()


async def _commit_zero(member: Any, where: list[TopicPartition], attempts: int = 20) -> None:
    for attempt in range(1, attempts + 1):
        try:
            await member.commit(dict.fromkeys(where, 0))
        except UnknownTopicOrPartitionError:  # a coordinator elsewhere may hear of the new topic a little later
            if attempt == attempts:
                raise
            await asyncio.sleep(0.25)
        else:
            return


@asynccontextmanager
async def _admin(brokers: str) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
