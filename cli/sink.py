"""`sink`: the way out when a sink's place in its topic has vanished.

Law: nothing old is written again. The place is set to the end of the topic, and every friend whose change was skipped
is settled anew by the fold, which knows what may be created and what may not.
"""

import asyncio
from typing import Literal, get_args

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from cli.output import json_option, print_json, talk
from cli.rows import all_rows, friend_partition
from runtime.appender import Appender
from runtime.brokers import resolve
from runtime.clock import now_ms
from runtime.log_reader import partition_count
from runtime.refusal import REFUSED, Refusal
from runtime.settings import Settings
from schemas.cloud_events import outcome_headers
from schemas.codec import encode
from schemas.outcomes import Outcome
from schemas.topics import CHANGES, HUBSPOT_GROUP, LINE_GROUP, OUTCOMES, REQUESTS, Topic

SinkName = Literal["hubspot", "line"]
READS: dict[SinkName, tuple[str, Topic]] = {"hubspot": (HUBSPOT_GROUP, CHANGES), "line": (LINE_GROUP, REQUESTS)}


@click.group("sink")
def command() -> None:
    """The sinks' places in their topics."""


@command.command("reset")
@click.argument("sink", type=click.Choice(get_args(SinkName)))
@json_option
def reset(sink: SinkName, as_json: bool) -> None:
    """Set a vanished place to the end of the topic, and settle anew every friend whose change was skipped."""
    moved, settled = asyncio.run(_reset(resolve(Settings.load()), sink))
    if as_json:
        print_json({"sink": sink, "partitions": moved, "friends": settled})
    elif moved:
        talk(f"{len(moved)} partitions continue at their end, {settled} friends are settled anew; start the sink again")
    else:
        talk("nothing to do: the sink's place is in its topic in every partition")


async def _reset(brokers: str, sink: SinkName) -> tuple[list[int], int]:
    group, topic = READS[sink]
    await _refuse_while_it_runs(brokers, group)
    moved = await _to_the_end(brokers, group, topic)
    settled = await _settle_anew(brokers) if moved and sink == "hubspot" else 0
    return moved, settled


async def _refuse_while_it_runs(brokers: str, group: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([group])
        members = [member for _, _, _, _, _, members, *_ in answer.groups for member in members]
    finally:
        await admin.close()
    if members:
        raise Refusal(
            REFUSED, "sink_runs", "the sink is running, so its place is known", next_step="stop it first, then reset"
        )


async def _to_the_end(brokers: str, group: str, topic: Topic) -> list[int]:
    """Commit the end wherever the group's offset is absent or no longer in the topic; the partitions this concerned."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        where = [TopicPartition(topic.name, number) for number in range(await partition_count(brokers, topic.name))]
        consumer.assign(where)
        begins, ends = await consumer.beginning_offsets(where), await consumer.end_offsets(where)
        kept = {tp: await consumer.committed(tp) for tp in where}
        gone = [tp for tp, offset in kept.items() if offset is None or not begins[tp] <= offset <= ends[tp]]
        if gone:
            await consumer.commit({tp: ends[tp] for tp in gone})
        return sorted(tp.partition for tp in gone)
    finally:
        await consumer.stop()


async def _settle_anew(brokers: str) -> int:
    """Tell the fold of every open change that nobody will answer it."""
    appender = Appender(brokers, client_id="friendstream-cli")
    told = 0
    try:
        async for row in all_rows(brokers):
            if row.sent is None:
                continue
            now = now_ms()
            outcome = Outcome(
                friend=row.friend,
                revision=row.sent.revision,
                result="unanswered",
                at=now,
                read_at=now,
                generation=0,
                attempts=1,
            )
            record = (row.friend.encode(), encode(outcome), outcome_headers(outcome))
            await appender.append(OUTCOMES.name, await friend_partition(brokers, row.friend), [record])
            told += 1
    finally:
        await appender.stop()
    return told
