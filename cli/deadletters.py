"""`deadletters`: what could not be processed: list, show, replay, drop.

Law: a listing never has content nor a whole user id; `show` masks unless --reveal. A letter that something became of is
settled: it is out of the count, and its bytes stay until retention takes them, for one record cannot be deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, get_args

import click
import msgspec
import orjson

from cli.letter_replay import Replayed, replay, rows_of, settle
from cli.output import iso, json_option, print_json, print_table, talk, with_iso_times
from cli.why import milliseconds
from domain.dead_letters import Filter, Letter, Place, counts, listed, read_place, reason_in_words
from domain.masking import masked, masked_header
from runtime.brokers import resolve
from runtime.clock import now_ms
from runtime.letter_log import letter_records, read_letters
from runtime.refusal import NOT_FOUND, REFUSED, USAGE, Refusal
from runtime.settings import Settings
from schemas.dead_letters import ReasonCode, Stage
from schemas.topics import DEAD_LETTERS

F = TypeVar("F", bound=Callable[..., Any])

_MOST = 1000  # letters that one replay or drop may take without --all


@click.group("deadletters")
def command() -> None:
    """Records that nobody could process, kept byte for byte with the reason."""


def filter_options(verb: F) -> F:
    """Give a verb the options that choose letters."""
    for option in (
        click.option("--friend", help="Only those whose key is this LINE user id."),
        click.option("--since", help="Only of the last so many minutes, hours or days: 30m, 12h, 7d."),
        click.option("--topic", help="Only those that came from this topic."),
        click.option("--reason", type=click.Choice(get_args(ReasonCode)), help="Only those of this reason."),
        click.option("--stage", type=click.Choice(get_args(Stage)), help="Only those of this stage."),
    ):
        verb = option(verb)
    return verb


@command.command("list")
@filter_options
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--settled", is_flag=True, help="Also those that were replayed or dropped.")
@json_option
def list_verb(limit: int, settled: bool, as_json: bool, **given: str | None) -> None:
    """The newest letters, and how many there are of which kind."""
    wanted = _filter(given, settled=settled)
    found = [letter for letter in asyncio.run(_all(resolve(Settings.load()))) if wanted.takes(letter)]
    if as_json:
        shown = [line_of(letter) for letter in found[:limit]]
        print_json({"found": len(found), "counts": counts(found), "letters": shown})
        return
    columns = ("letter", "at (UTC)", "why", "from", "key", "bytes", "became")
    print_table(columns, [_cells(letter) for letter in found[:limit]])
    kinds = ", ".join(f"{kind} {count}" for kind, count in counts(found).items())
    talk(
        f"{len(found)} letters{': ' if kinds else ''}{kinds}" + (f"; the newest {limit}" if len(found) > limit else "")
    )


@command.command("show")
@click.argument("letter")
@click.option("--reveal", is_flag=True, help="Show key, headers and bytes as they are: they hold personal data.")
@json_option
def show(letter: str, reveal: bool, as_json: bool) -> None:
    """One letter, named PARTITION@OFFSET as `list` names it."""
    found, record = asyncio.run(_one(resolve(Settings.load()), _place(letter), reveal=reveal))
    content = content_of(record, reveal=reveal)
    if as_json:
        print_json(line_of(found) | content)
        return
    told = {**line_of(found), "why": reason_in_words(found.reason), **content}
    value, headers = told.pop("value"), told.pop("headers")
    print_table(("", ""), [(name, fact) for name, fact in told.items() if fact not in (None, "")])
    print_table(("header", ""), list(headers.items()))
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


@command.command("replay")
@click.argument("letters", nargs=-1)
@filter_options
@click.option("--all", "everything", is_flag=True, help="Every letter that nothing became of yet.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@json_option
def replay_verb(letters: tuple[str, ...], everything: bool, dry_run: bool, as_json: bool, **given: str | None) -> None:
    """Put letters back where they came from; those that could bring an old state back are settled anew instead."""
    settings = Settings.load()
    brokers = resolve(settings)
    chosen = asyncio.run(_chosen(brokers, letters, given, everything))
    done = asyncio.run(replay(settings, brokers, chosen, dry_run=dry_run))
    acted = [one for one in done if one.fate.action != "refused"]
    if as_json:
        print_json({"dry_run": dry_run, "replayed": len(acted), "letters": [_replayed(one) for one in done]})
    else:
        print_table(("letter", "what", "why"), [(one.letter.place, _act(one), one.fate.says) for one in done])
        talk(f"{len(acted)} of {len(done)} letters {'would be' if dry_run else 'were'} replayed")
    if done and not acted:
        raise SystemExit(REFUSED)


@command.command("drop")
@click.argument("letters", nargs=-1)
@filter_options
@click.option("--all", "everything", is_flag=True, help="Every letter that nothing became of yet.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def drop(letters: tuple[str, ...], everything: bool, yes: bool, as_json: bool, **given: str | None) -> None:
    """Want to see letters no more: they are out of the count; their bytes stay until retention takes them."""
    brokers = resolve(Settings.load())
    chosen = [one for one in asyncio.run(_chosen(brokers, letters, given, everything)) if one.settled is None]
    if chosen and not yes:
        click.confirm(f"Drop {len(chosen)} letters for good?", abort=True, err=True)
    asyncio.run(settle(brokers, chosen, "dropped"))
    if as_json:
        print_json({"dropped": len(chosen), "letters": [str(one.place) for one in chosen]})
    else:
        talk(f"{len(chosen)} letters dropped; RETENTION_DAYS after they came their bytes are gone, too")


def line_of(letter: Letter) -> dict[str, Any]:
    """The letter as a listing shows it, times in ISO."""
    line: dict[str, Any] = with_iso_times(msgspec.to_builtins(listed(letter)))
    return line


def content_of(record: Any, *, reveal: bool) -> dict[str, Any]:
    """Headers and value of a letter; with `reveal` the key too, as they are."""
    value = record.value
    try:
        content = None if value is None else orjson.loads(value)
    except orjson.JSONDecodeError:
        content = value.decode(errors="backslashreplace") if reveal else f"({len(value)} bytes that are no JSON)"
    else:
        content = content if reveal else masked(content)
    headers = [(name, (raw or b"").decode(errors="backslashreplace")) for name, raw in record.headers]
    if not reveal:
        return {"headers": dict(masked_header(*header) for header in headers), "value": content}
    key = (record.key or b"").decode(errors="backslashreplace")
    return {"key": key, "headers": dict(headers), "value": content}


def _cells(letter: Letter) -> Sequence[object]:
    line = listed(letter)
    origin = f"{line.topic} {line.partition}" + (f"@{line.offset}" if line.offset >= 0 else "")
    at = (iso(line.at) or "")[:19].replace("T", " ")
    return (line.letter, at, f"{line.stage}/{line.reason}", origin, line.key, line.bytes, line.became or "")


def _replayed(one: Replayed) -> dict[str, Any]:
    return {
        "letter": str(one.letter.place),
        "action": one.fate.action,
        "code": one.fate.code,
        "says": one.fate.says,
        "appended": one.appended,
    }


def _act(one: Replayed) -> str:
    words = {"put_back": "put back", "read_again": "read again", "settle_anew": "settled anew", "refused": "left"}
    return words[one.fate.action]


def _filter(given: dict[str, str | None], *, settled: bool = False) -> Filter:
    since = given["since"]
    return Filter(
        stage=given["stage"],
        reason=given["reason"],
        topic=given["topic"],
        friend=given["friend"],
        since=None if since is None else now_ms() - milliseconds(since),
        settled=settled,
    )


async def _all(brokers: str) -> list[Letter]:
    return (await read_letters(brokers)).book.all()


async def _one(brokers: str, place: Place, *, reveal: bool) -> tuple[Letter, Any]:
    letter = (await read_letters(brokers, partitions=[place.partition])).book.get(place)
    if letter is not None:
        if reveal:
            await _refuse_the_erased(brokers, letter)
        async for record in letter_records(brokers, [place]):
            return letter, record
    raise _absent([place])


async def _refuse_the_erased(brokers: str, letter: Letter) -> None:
    row = None if letter.key is None else (await rows_of(brokers, {letter.key})).get(letter.key)
    if row is not None and row.erased_at is not None and letter.at <= row.erased_at:
        raise Refusal(
            REFUSED,
            "erased",
            "the friend of this letter has been erased since: its content is not shown",
            next_step="show it without --reveal; its bytes are gone RETENTION_DAYS after they came",
        )


async def _chosen(brokers: str, places: Iterable[str], given: dict[str, str | None], everything: bool) -> list[Letter]:
    """The letters that are named, or those that the filters take; refuses to guess."""
    named = [_place(one) for one in places]
    filtered = everything or any(given.values())
    if bool(named) == filtered:
        raise Refusal(
            USAGE, "which_letters", "name letters (PARTITION@OFFSET), or choose them by filters or --all",
            next_step="friendstream deadletters list",
        )  # fmt: skip
    letters = await _all(brokers)
    if named:
        known = {letter.place: letter for letter in letters}
        if absent := [place for place in named if place not in known]:
            raise _absent(absent)
        return [known[place] for place in dict.fromkeys(named)]
    wanted = _filter(given)
    found = [letter for letter in letters if wanted.takes(letter)]
    if len(found) > _MOST and not everything:
        raise Refusal(USAGE, "many_letters", f"these are {len(found)} letters", next_step="add --all if all are meant")
    return found


def _place(text: str) -> Place:
    place = read_place(text)
    if place is None:
        raise Refusal(
            USAGE, "no_place", "a letter is named PARTITION@OFFSET, as 3@12", next_step="friendstream deadletters list"
        )
    return place


def _absent(places: Sequence[Place]) -> Refusal:
    return Refusal(
        NOT_FOUND,
        "no_such_letter",
        f"no letter lies at {', '.join(map(str, places[:5]))}",
        where=f"topic {DEAD_LETTERS.name}",
        next_step="friendstream deadletters list; what is older than RETENTION_DAYS is gone",
    )
