"""`connections`: add, list, show, test.

Law: the numbers, rules and checks are the registry's; this verb reads what a person gives and shows what came of it.
"""

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from cli.output import iso, json_option, print_json, print_table, talk, talk_console
from cli.wiring import connector
from registry.applications import Application
from registry.connect import Connected
from registry.log import load
from runtime.brokers import resolve
from runtime.refusal import NO, NOT_FOUND, USAGE, Refusal
from runtime.settings import Secret, Settings
from schemas.connections import ConnectionRecord

_ALONE = "name a file that you can read and that holds the value alone"


@click.group("connections")
def command() -> None:
    """LINE Official Accounts linked to the portal."""


@command.command("add")
@click.option("--channel-id", required=True, help="The channel id: Basic settings in LINE Developers Console.")
@click.option("--secret-file", required=True, type=click.Path(path_type=Path), help="File with the channel secret.")
@click.option("--token-file", type=click.Path(path_type=Path), help="File with a long-lived token; usually none.")
@click.option("--name", help="Name; absent = the account's own.")
@click.option("--description", help="For your colleagues.")
@click.option("--icon", help="SHA-256 of an icon.")
@click.option("--take-over", is_flag=True, help="Replace another tool's webhook URL.")
@click.option("--no-webhook", is_flag=True, help="Do not register our URL with LINE.")
@json_option
def add(
    channel_id: str,
    secret_file: Path,
    token_file: Path | None,
    name: str | None,
    description: str | None,
    icon: str | None,
    take_over: bool,
    no_webhook: bool,
    as_json: bool,
) -> None:
    """Connect an account: check it with LINE, ensure its seven properties in HubSpot, register and test the webhook."""
    application = Application(
        channel_id=channel_id,
        channel_secret=Secret(_content(secret_file, "--secret-file")),
        token=None if token_file is None else Secret(_content(token_file, "--token-file")),
        name=name,
        description=description,
        icon=icon,
        webhook=not no_webhook,
        take_over=take_over,
    )
    with talk_console().status("connecting"):
        connected = asyncio.run(_add(application))
    _show_connected(connected, as_json)


@command.command("list")
@json_option
def list_verb(as_json: bool) -> None:
    """All connections, removed ones too: a number is never used again."""
    records = asyncio.run(load(resolve(Settings.load())))
    shown = [_shown(record) for _, record in sorted(records.items())]
    if as_json:
        print_json(shown)
        return
    columns = ("number", "status", "reason", "name", "basic_id", "channel_id", "webhook_url")
    print_table(columns, [[line.get(column) or "" for column in columns] for line in shown])


@command.command("show")
@click.argument("number", type=int)
@json_option
def show(number: int, as_json: bool) -> None:
    """One connection, without its secrets."""
    shown = _shown(asyncio.run(_one(resolve(Settings.load()), number)))
    if as_json:
        print_json(shown)
    else:
        print_table(("", ""), list(shown.items()))


@command.command("test")
@click.argument("number", type=int)
@json_option
def test(number: int, as_json: bool) -> None:
    """Ask LINE and HubSpot again about one connection, and let LINE test the webhook; exit 1 unless connected."""
    with talk_console().status("asking LINE and HubSpot"):
        connected = asyncio.run(_test(number))
    _show_connected(connected, as_json)
    if connected.record.status != "connected":
        raise SystemExit(NO)


async def _add(application: Application) -> Connected:
    settings = Settings.load()
    async with connector(settings, resolve(settings)) as connect:
        return await connect.add(application)


async def _test(number: int) -> Connected:
    settings = Settings.load()
    brokers = resolve(settings)
    record = await _one(brokers, number)
    async with connector(settings, brokers) as connect:
        return await connect.check(record, test_webhook=True)


async def _one(brokers: str, number: int) -> ConnectionRecord:
    records = await load(brokers)
    if number not in records:
        raise Refusal(
            NOT_FOUND,
            "no_such_connection",
            f"there is no connection {number}",
            next_step="friendstream connections list",
        )
    return records[number]


def _content(path: Path, option: str) -> str:
    try:
        content = path.read_text(encoding="utf-8").strip()
    except OSError as trouble:
        raise Refusal(
            USAGE, "file_not_read", f"{option} cannot be read: {trouble.strerror}", where=str(path), next_step=_ALONE
        ) from None
    except UnicodeDecodeError:
        raise Refusal(USAGE, "file_not_read", f"{option} is no UTF-8 text", where=str(path), next_step=_ALONE) from None
    if not content:
        raise Refusal(USAGE, "file_empty", f"{option} is empty", where=str(path), next_step=_ALONE)
    return content


def _shown(record: ConnectionRecord) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(record)
    fields["secrets"] = len(record.secrets)
    fields["token"] = "pasted" if record.token is not None else "issued as needed"
    return fields | {name: iso(value) for name, value in fields.items() if name.endswith("_at")}


def _show_connected(connected: Connected, as_json: bool) -> None:
    if as_json:
        print_json(connected.document())
        return
    document = connected.document()
    print_table(
        ("check", "result", "said"), [tuple(str(value) for value in check.values()) for check in document["checks"]]
    )
    reason = f" ({document['reason']})" if "reason" in document else ""
    talk(f"connection {document['number']}, {document['name']}: {document['status']}{reason}")
    talk(f"webhook URL: {document['webhook_url']}")
