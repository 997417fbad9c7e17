"""What a verb says: data on stdout, talk on stderr.

Law: with --json stdout holds exactly one JSON value (or one per line for streams), and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
import orjson
from rich.console import Console
from rich.table import Table

from schemas.cloud_events import rfc3339

F = TypeVar("F", bound=Callable[..., Any])


def json_option(verb: F) -> F:
    """Give a verb the flag --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print data as JSON on stdout.")(verb)


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def print_line(value: Any) -> None:
    """One JSON value on one line of stdout, for streams."""
    click.echo(orjson.dumps(value).decode())


def talk(text: str) -> None:
    """A sentence for the person, on stderr."""
    click.echo(text, err=True)


def console() -> Console:
    """Where tables and progress go when a person reads: stdout for data."""
    return Console(highlight=False)


def talk_console() -> Console:
    """Progress and talk: stderr."""
    return Console(stderr=True, highlight=False)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """A table for a person."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console().print(table)


def iso(ms: int | None) -> str | None:
    """Milliseconds UTC as ISO 8601; None stays None."""
    return None if ms is None else rfc3339(ms)


def with_iso_times(value: Any) -> Any:
    """The same JSON value with every `at`, `since`, `until`, `not_after` and `.._at` in ISO 8601."""
    if isinstance(value, Mapping):
        return {
            name: iso(item) if _is_time(name) and isinstance(item, int) else with_iso_times(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [with_iso_times(item) for item in value]
    return value


def _is_time(name: str) -> bool:
    return name in {"at", "since", "until", "not_after"} or name.endswith("_at")
