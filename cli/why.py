"""`why ID`: why a friend's contact is what it is, or is not, in sentences.

Law: decisions, outcomes, dead letters and (while they are kept) changes of the friend's partition are all it reads;
what they mean is domain's.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import click
import msgspec

from cli.output import console, iso, json_option, print_json, talk, with_iso_times
from cli.rows import friend_partition
from domain.dead_letters import letter_sentences
from domain.explain import Sentence, sentences
from domain.span import span_ms
from registry.log import read_known
from runtime.brokers import resolve
from runtime.clock import now_ms
from runtime.letter_log import read_letters
from runtime.log_reader import read_log
from runtime.refusal import NOT_FOUND, USAGE, Refusal
from runtime.settings import Settings
from schemas.changes import read_change
from schemas.codec import Unreadable
from schemas.decisions import read_decision
from schemas.outcomes import read_outcome
from schemas.topics import CHANGES, DECISIONS, OUTCOMES, Topic

T = TypeVar("T")


@click.command("why")
@click.argument("friend")
@click.option("--connection", type=int, help="Only what is about this connection, or about the contact itself.")
@click.option("--since", help="Only the last so many minutes, hours or days: 30m, 12h, 7d.")
@click.option("--event", help="Only what follows from this event id.")
@json_option
def command(friend: str, connection: int | None, since: str | None, event: str | None, as_json: bool) -> None:
    """Why FRIEND's contact is what it is: every event, what followed, what HubSpot answered."""
    settings = Settings.load()
    began = None if since is None else now_ms() - milliseconds(since)
    told = asyncio.run(tell(settings, friend))
    chosen = [one for one in told if _chosen(one, connection, began, event)]
    if as_json:
        print_json({"friend": friend, "sentences": [with_iso_times(msgspec.to_builtins(one)) for one in chosen]})
        return
    _show(chosen)
    if (paused := asyncio.run(read_known(resolve(settings))).sinks.get("hubspot")) is not None and paused.paused:
        talk(f"nothing is written to HubSpot now: an operator paused the sink at {iso(paused.at)}")


async def tell(settings: Settings, friend: str) -> list[Sentence]:
    """All sentences about a friend, oldest first; Refusal 3 when the ledger knows none."""
    brokers = resolve(settings)
    partition = await friend_partition(brokers, friend)

    async def of(topic: Topic, read: Callable[[bytes], T]) -> list[T]:
        log = read_log(brokers, topic.name, partitions=[partition])
        raw = [record.value async for record in log if record.key == friend.encode() and record.value is not None]
        return [one for value in raw if (one := _readable(read, value)) is not None]

    decisions, outcomes, changes = await asyncio.gather(
        of(DECISIONS, read_decision), of(OUTCOMES, read_outcome), of(CHANGES, read_change)
    )
    letters = (await read_letters(brokers, partitions=[partition])).book.all()
    told = sentences(decisions, outcomes, changes, show=_clock)
    told += letter_sentences([letter for letter in letters if letter.key == friend.encode()], show=_clock)
    told.sort(key=lambda sentence: sentence.at)
    if not told:
        raise Refusal(
            NOT_FOUND,
            "no_ledger",
            "nothing is known about this id",
            where=f"topics {DECISIONS.name} and {OUTCOMES.name}, partition {partition}",
            next_step="check the id (U and 32 hex digits); older than RETENTION_DAYS is forgotten",
        )
    return told


def _readable(read: Callable[[bytes], T], value: bytes) -> T | None:
    try:
        return read(value)
    except Unreadable:  # it is a dead letter already
        return None


def _clock(ms: int) -> str:
    """Local hours and minutes, with the day when it is not today's."""
    moment = datetime.fromtimestamp(ms / 1000, UTC).astimezone()
    today = datetime.fromtimestamp(now_ms() / 1000, UTC).astimezone().date()
    return f"{moment:%H:%M}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"


def _chosen(one: Sentence, connection: int | None, began: int | None, event: str | None) -> bool:
    return (
        (connection is None or one.connection in {None, connection})
        and (began is None or one.at >= began)
        and (event is None or one.event == event)
    )


def milliseconds(since: str) -> int:
    """`30m`, `12h`, `7d` in milliseconds; Refusal 2 for anything else."""
    found = span_ms(since)
    if found is None:
        raise Refusal(USAGE, "since_wrong", "--since takes 30m, 12h or 7d")
    return found


def _show(chosen: list[Sentence]) -> None:
    for one in chosen:
        console().print(f"[dim]{iso(one.at)}[/]  ", end="")
        console().print(one.text, markup=False)
    if not chosen:
        talk("nothing of that kind")
    else:
        talk("ids, offsets and traces: --json")
