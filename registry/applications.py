"""What is asked for: one LINE Official Account to be connected, by a person or by CONNECTIONS_FILE.

Law: the file is read as a whole or not at all; every problem is told at once, and none of them quotes a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from runtime.refusal import MISCONFIGURED, Refusal
from runtime.settings import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One account: `webhook` = register our URL with LINE, `take_over` = even where another URL stands."""

    channel_id: str
    channel_secret: Secret
    token: Secret | None = None
    name: str | None = None
    description: str | None = None
    icon: str | None = None
    webhook: bool = True
    take_over: bool = False


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    channel_id: str
    channel_secret: str
    name: str | None = None
    description: str | None = None
    token: str | None = None
    webhook: bool = False


def read_connections_file(path: Path) -> list[Application]:
    """The applications of CONNECTIONS_FILE, in order; Refusal 78 with all problems."""
    try:
        found = msgspec.json.decode(path.read_bytes())
    except OSError as trouble:
        raise _wrong(path, [f"it cannot be read: {trouble.strerror}"]) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _wrong(path, ["it is no JSON"]) from None
    if not isinstance(found, list):
        raise _wrong(path, ["it holds no list of connections"])
    problems: list[str] = []
    rows = [row for place, raw in enumerate(found, 1) if (row := _row(place, raw, problems)) is not None]
    seen: set[str] = set()
    for row in rows:
        channel = row.channel_id.strip()
        if channel and channel in seen:
            problems.append(f"the channel {channel} is there twice")
        seen.add(channel)
    if problems:
        raise _wrong(path, problems)
    return [_application(row) for row in rows]


def _row(place: int, raw: object, problems: list[str]) -> _Row | None:
    try:
        row = msgspec.convert(raw, _Row)
    except msgspec.ValidationError as wrong:
        problems.append(f"connection {place}: {_without_values(str(wrong))}")
        return None
    problems.extend(
        f"connection {place}: `{field}` is empty"
        for field in ("channel_id", "channel_secret")
        if not getattr(row, field).strip()
    )
    return row


def _application(row: _Row) -> Application:
    return Application(
        channel_id=row.channel_id.strip(),
        channel_secret=Secret(row.channel_secret.strip()),
        token=Secret(row.token.strip()) if row.token and row.token.strip() else None,
        name=row.name,
        description=row.description,
        webhook=row.webhook,
    )


def _without_values(problem: str) -> str:
    """msgspec names types and fields, never values; the wording is turned into ours."""
    return problem.replace("Object", "the entry").replace("$.", "")


def _wrong(path: Path, problems: list[str]) -> Refusal:
    return Refusal(
        MISCONFIGURED,
        "connections_file_wrong",
        "\n".join(["the file of connections is wrong:", *(f"  {problem}" for problem in problems)]),
        where=f"FRIENDSTREAM_CONNECTIONS_FILE ({path})",
        next_step='each entry is {"channel_id":"..","channel_secret":"..","name":"..?","token":"..?","webhook":false}',
    )
