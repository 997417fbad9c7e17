"""`friends`: show, list, export, resync, erase.

Law: what changes a friend is an event on line.events.v1, so the fold stays the only writer; this verb only asks.
"""

import asyncio
from typing import Any

import click
import msgspec

from cli.erasure import Deletion, delete_contacts, place_of, until_erased
from cli.output import iso, json_option, print_json, print_line, print_table, talk, with_iso_times
from cli.rows import all_rows, friend_partition, one_row
from cli.topics import mask
from cli.wiring import contacts_api
from registry.log import load
from runtime.appender import Appender
from runtime.brokers import resolve
from runtime.clock import now_ms
from runtime.refusal import REFUSED, USAGE, Refusal
from runtime.settings import Settings
from schemas.cloud_events import event_headers
from schemas.codec import encode
from schemas.events import EventRecord, event_id
from schemas.friends import FriendState
from schemas.topics import EVENTS


@click.group("friends")
def command() -> None:
    """LINE users and what is known of them."""


@command.command("show")
@click.argument("friend")
@click.option("--reveal", is_flag=True, help="Show names, pictures and texts.")
@json_option
def show(friend: str, reveal: bool, as_json: bool) -> None:
    """The state of one friend."""
    row = asyncio.run(one_row(resolve(Settings.load()), friend))
    shown = with_iso_times(msgspec.to_builtins(row if reveal else masked(row)))
    if as_json:
        print_json(shown)
        return
    print_table(("", ""), [(name, value) for name, value in shown.items() if name != "connections"])
    for number, state in shown.get("connections", {}).items():
        print_table((f"connection {number}", ""), list(state.items()))


@command.command("list")
@click.option("--limit", type=int, default=50, show_default=True)
@json_option
def list_verb(limit: int, as_json: bool) -> None:
    """Friends with their contact and what is outstanding."""
    rows = asyncio.run(_first(resolve(Settings.load()), limit))
    if as_json:
        print_json([_line(row, whole=True) for row in rows])
        return
    columns = ("friend", "contact", "record", "follows", "unanswered", "outstanding", "blocked")
    print_table(columns, [[_cell(line[column]) for column in columns] for line in (_line(row) for row in rows)])


@command.command("export")
@json_option
def export(as_json: bool) -> None:
    """Every state, one JSON object a line: personal data. Times are as the topic has them, with --json in ISO."""
    asyncio.run(_export(resolve(Settings.load()), as_json))


@command.command("resync")
@click.argument("friend", required=False)
@click.option("--all", "everybody", is_flag=True, help="Every friend.")
@json_option
def resync(friend: str | None, everybody: bool, as_json: bool) -> None:
    """Settle again from the state: the contact is written once more as it should be; nobody is re-created."""
    if (friend is None) == (not everybody):
        raise Refusal(USAGE, "which_friend", "name one friend, or give --all")
    _tell("resync", friend, as_json)


@command.command("erase")
@click.argument("friend")
@click.option("--hubspot", "in_hubspot", is_flag=True, help="Delete the contact for good in HubSpot, too.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds to wait before --hubspot acts.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase(friend: str, in_hubspot: bool, timeout: float, yes: bool, as_json: bool) -> None:
    """Forget a friend: texts, names and pictures go, and nothing older comes back."""
    if not yes:
        where = ", here and in HubSpot" if in_hubspot else ""
        click.confirm(f"Erase everything that is kept of this friend{where}?", abort=True, err=True)
    if not in_hubspot:
        _tell("erase", friend, as_json)
        return
    done = asyncio.run(_erase_everywhere(Settings.load(), friend, timeout))
    if as_json:
        print_json({"kind": "erase", "friends": 1, "deleted": done.deleted, "shared": done.shared})
    else:
        talk(f"erased here; deleted for good in HubSpot: {', '.join(done.deleted) or 'nothing, no contact was there'}")
    if done.shared:
        raise Refusal(
            REFUSED,
            "shared_contact",
            f"contact {', '.join(done.shared)} also carries the id of another LINE user and was left",
            next_step="delete it in HubSpot, where you see who that is",
        )


def masked(row: FriendState) -> FriendState:
    """The row without what a person wrote or is called."""
    replace = msgspec.structs.replace
    connections = {}
    for number, state in row.connections.items():
        inbound, profile = state.inbound, state.profile
        if inbound is not None and inbound.text is not None:
            inbound = replace(inbound, text=f"({len(inbound.text)} characters)")
        if profile is not None:
            name = None if profile.name is None else "(a name)"
            profile = replace(profile, name=name, picture=None if profile.picture is None else "(a picture)")
        connections[number] = replace(state, inbound=inbound, profile=profile)
    return replace(row, connections=connections)


async def _first(brokers: str, limit: int) -> list[FriendState]:
    rows: list[FriendState] = []
    async for row in all_rows(brokers):
        if len(rows) >= limit:
            break
        rows.append(row)
    return rows


def _line(row: FriendState, *, whole: bool = False) -> dict[str, Any]:
    follows = [state.follow.value for state in row.connections.values() if state.follow is not None]
    unanswered = [
        number
        for number, state in row.connections.items()
        if state.inbound is not None and state.inbound.at > (state.outbound_at or 0)
    ]
    status = "erased" if row.erased_at is not None else (row.contact.status if row.contact is not None else "none")
    return {
        "friend": row.friend if whole else mask(row.friend),
        "contact": status,
        "record": row.contact.id if row.contact is not None else None,
        "follows": any(follows) if follows else None,
        "unanswered": unanswered,
        "outstanding": row.sent is not None,
        "blocked": row.blocked.code if row.blocked is not None else None,
        "erased_at": iso(row.erased_at),
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


async def _export(brokers: str, iso_times: bool) -> None:
    async for row in all_rows(brokers):
        state = msgspec.to_builtins(row)
        print_line(with_iso_times(state) if iso_times else state)


def _tell(kind: str, friend: str | None, as_json: bool) -> None:
    asked = asyncio.run(_append(resolve(Settings.load()), kind, friend))
    if as_json:
        print_json({"kind": kind, "friends": asked})
    else:
        talk(f"{kind} asked for {asked} friend(s); `friendstream status --wait idle` waits until it is done")


async def _erase_everywhere(settings: Settings, friend: str, timeout: float) -> Deletion:
    """Twice in the log: what is written between the row and the deletion goes with the contact."""
    brokers = resolve(settings)
    async with contacts_api(settings) as hubspot:  # no token, no erasure: half of one would look like a whole one
        row = await one_row(brokers, friend)
        await _erase_here(brokers, friend, timeout)
        linked = row.contact.id if row.contact is not None else None
        numbers = {*await load(brokers), *(int(number) for number in row.connections)}
        done = await delete_contacts(brokers, hubspot, friend, linked=linked, numbers=numbers)
    if done.deleted:
        await _erase_here(brokers, friend, timeout)
    return done


async def _erase_here(brokers: str, friend: str, timeout: float) -> None:
    place = await place_of(brokers, friend)
    await _append(brokers, "erase", friend)
    await until_erased(brokers, friend, place, timeout=timeout)


async def _append(brokers: str, kind: str, friend: str | None) -> int:
    rows = [row async for row in all_rows(brokers)] if friend is None else [await one_row(brokers, friend)]
    appender = Appender(brokers, client_id="friendstream-cli")
    try:
        for row in rows:
            now = now_ms()
            record = EventRecord(
                connection=min((int(number) for number in row.connections), default=0),
                received_at=now,
                origin="operator",
                event={"type": kind, "timestamp": now, "source": {"type": "user", "userId": row.friend}},
            )
            headers = event_headers(record, event_id(record.connection, record.event), now)
            partition = await friend_partition(brokers, row.friend)
            await appender.append(
                EVENTS.name, partition, [(row.friend.encode(), encode(record), headers)], timestamp=now
            )
    finally:
        await appender.stop()
    return len(rows)
