"""`sink`: how the sinks stand, pause and resume, and the way out when a place in a topic has vanished.

Law: nothing old is written again. A pause is an order in the registry: it outlives every process, loses nothing, and
ends with `resume` alone. A reset sets the place to the end of the topic, and every friend whose change was skipped is
settled anew by the fold, which knows what may be created and what may not.
"""

import asyncio
from typing import get_args

import click
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from cli.output import iso, json_option, print_json, print_table, talk, with_iso_times
from cli.rows import all_rows, friend_partition
from cli.sink_standing import READS, SinkStanding, sink_standings
from domain.sweep import unanswered
from registry.log import Registry
from runtime.appender import Appender
from runtime.brokers import resolve
from runtime.clock import now_ms
from runtime.log_reader import partition_count
from runtime.refusal import REFUSED, Refusal
from runtime.settings import Settings
from schemas.cloud_events import outcome_headers
from schemas.codec import encode
from schemas.connections import SinkName
from schemas.topics import OUTCOMES, Topic

_WAITS = {"hubspot": "no call is made to HubSpot; every change is kept", "line": "no call is made to LINE for requests"}


@click.group("sink")
def command() -> None:
    """The sinks: what writes to HubSpot and what asks LINE."""


@command.command("status")
@click.argument("sink", required=False, type=click.Choice(get_args(SinkName)))
@json_option
def status(sink: SinkName | None, as_json: bool) -> None:
    """Paused or waiting, why and since when; lag, in flight, quota left, what was answered, places in the topic."""
    settings = Settings.load()
    found = asyncio.run(sink_standings(settings, resolve(settings), sink))
    if as_json:
        print_json({"sinks": [with_iso_times(msgspec.to_builtins(one)) for one in found]})
        return
    for one in found:
        _show(one)


@command.command("pause")
@click.argument("sink", type=click.Choice(get_args(SinkName)), default="hubspot")
@json_option
def pause(sink: SinkName, as_json: bool) -> None:
    """Let a sink wait, `hubspot` unless named: nothing is lost, and a restart does not end it."""
    _order(sink, True, as_json)


@command.command("resume")
@click.argument("sink", type=click.Choice(get_args(SinkName)), default="hubspot")
@json_option
def resume(sink: SinkName, as_json: bool) -> None:
    """Let a paused sink go on where it stopped, `hubspot` unless named."""
    _order(sink, False, as_json)


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


def _order(sink: SinkName, paused: bool, as_json: bool) -> None:
    registry = Registry(resolve(Settings.load()))
    record, new = asyncio.run(registry.pause_sink(sink, paused, now_ms()))
    if as_json:
        print_json({"sink": sink, "paused": record.paused, "at": iso(record.at), "changed": new})
    elif not new:
        talk(f"the {sink} sink {'is paused already, since ' + str(iso(record.at)) if paused else 'is not paused'}")
    elif paused:
        talk(f"the {sink} sink is paused: {_WAITS[sink]}. `friendstream sink resume {sink}` goes on")
    else:
        talk(f"the {sink} sink goes on")


def _show(one: SinkStanding) -> None:
    waits = one.waiting_for or ("paused_by_operator" if one.paused else "")
    answers = ", ".join(f"{result} {count}" for result, count in sorted(one.answered.items()))
    facts = [
        ("runs here", "yes" if one.here else "no"),
        ("ready", "" if one.ready is None else "yes" if one.ready else "no"),
        ("waits for", waits or "nothing"),
        ("why", one.reason or ""),
        ("since", iso(one.paused_at if one.paused else one.since) or ""),
        ("lag", one.lag),
        ("in flight", "" if one.in_flight is None else one.in_flight),
        ("quota left", "" if one.quota_left is None else one.quota_left),
        ("answered since its start", answers),
        ("friends blocked now", ", ".join(f"{code} {count}" for code, count in sorted(one.blocked.items()))),
    ]
    print_table((f"{one.sink} sink", ""), [(name, value) for name, value in facts if value != ""])
    print_table(("partition", "committed", "end"), [(p.partition, p.committed, p.end) for p in one.places])


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
            outcome = unanswered(row, now=now_ms(), generation=0)
            if outcome is None:
                continue
            record = (row.friend.encode(), encode(outcome), outcome_headers(outcome))
            await appender.append(OUTCOMES.name, await friend_partition(brokers, row.friend), [record])
            told += 1
    finally:
        await appender.stop()
    return told
