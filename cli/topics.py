"""`topics`: create, check and tail."""

import asyncio
from contextlib import suppress

import click
import orjson
from aiokafka import AIOKafkaConsumer

from cli.output import iso, json_option, print_json, print_line, print_table, talk
from runtime.brokers import resolve
from runtime.refusal import MISCONFIGURED, NOT_FOUND, Refusal
from runtime.settings import Settings
from runtime.topics import align_topics, compare_topics, create_topics
from schemas.topics import ALL

REVEALED = "--reveal"


@click.group("topics")
def command() -> None:
    """The topics of the contract."""


@command.command("create")
@click.option("--align", is_flag=True, help="Give existing topics the configuration of the contract and the settings.")
@json_option
def create(align: bool, as_json: bool) -> None:
    """Create what is missing; what exists keeps its partitions, and its configuration unless --align."""
    settings = Settings.load()
    brokers = resolve(settings)
    created = asyncio.run(create_topics(brokers, settings))
    changed = asyncio.run(align_topics(brokers, settings)) if align else []
    if as_json:
        print_json({"created": created, "changed": changed})
        return
    talk(f"created: {', '.join(created) or 'nothing, all are there'}")
    for one in changed:
        talk(f"changed: {one}")


@command.command("check")
@json_option
def check(as_json: bool) -> None:
    """Compare partitions, cleanup and retention with the contract; exit 78 on a difference."""
    settings = Settings.load()
    differences = asyncio.run(compare_topics(resolve(settings), settings))
    if as_json:
        print_json({"equal": not differences, "differences": differences})
    elif differences:
        print_table(("difference",), [(difference,) for difference in differences])
    else:
        talk(f"all {len(ALL)} topics are as the contract says")
    if differences:
        raise SystemExit(MISCONFIGURED)


@command.command("tail")
@click.argument("topic")
@click.option("--from-start", is_flag=True, help="From the oldest record instead of the end.")
@click.option("--limit", type=int, help="Stop after so many records.")
@click.option(REVEALED, is_flag=True, help="Show the records themselves: they hold personal data.")
@json_option
def tail(topic: str, from_start: bool, limit: int | None, reveal: bool, as_json: bool) -> None:
    """Print the records of TOPIC as they come, one JSON object a line; values are masked unless --reveal."""
    del as_json  # it is never anything else
    if topic not in {known.name for known in ALL}:
        raise Refusal(NOT_FOUND, "no_such_topic", f"{topic} is no topic of ours", next_step="friendstream topics check")
    with suppress(KeyboardInterrupt):
        asyncio.run(_tail(resolve(Settings.load()), topic, from_start, limit, reveal))


async def _tail(brokers: str, topic: str, from_start: bool, limit: int | None, reveal: bool) -> None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=brokers, auto_offset_reset="earliest" if from_start else "latest"
    )
    await consumer.start()
    try:
        seen = 0
        async for record in consumer:
            line = {"partition": record.partition, "offset": record.offset, "at": iso(record.timestamp)}
            print_line(line | (_shown(record.key, record.value) if reveal else _masked(record.key, record.value)))
            seen += 1
            if seen == limit:
                return
    finally:
        await consumer.stop()


def _shown(key: bytes | None, value: bytes | None) -> dict[str, object]:
    try:
        content = orjson.loads(value) if value is not None else None
    except orjson.JSONDecodeError:
        content = (value or b"").decode(errors="backslashreplace")
    return {"key": (key or b"").decode(errors="backslashreplace"), "value": content}


def _masked(key: bytes | None, value: bytes | None) -> dict[str, object]:
    return {"key": mask((key or b"").decode(errors="replace")), "bytes": len(value or b"")}


def mask(identifier: str) -> str:
    """The first characters of an id that may be a person's."""
    return identifier if len(identifier) <= 12 else f"{identifier[:5]}…"
