"""`verify`: HubSpot against the fold, now, as a proof.

Law: the states say what every contact shall be, HubSpot says what is; what equal means is domain/compare.py's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict
from typing import Any

import click

from cli.output import json_option, print_json, print_table, talk, talk_console
from cli.patience import patiently
from cli.rows import all_rows
from cli.topics import mask
from cli.wiring import contacts_api
from clients.hubspot.contacts import ContactsApi
from domain.batch_answers import READ_WITH, Found
from domain.compare import LiveContact, Proof, expected_of, prove
from domain.contact_properties import connection_properties
from registry.log import load
from runtime.brokers import resolve
from runtime.clock import random_source
from runtime.refusal import NO
from runtime.settings import Settings
from schemas.friends import FriendState

BATCH = 100
SHOWN = 20


@click.command("verify")
@click.option("--sample", type=int, help="So many linked friends at random, instead of all contacts.")
@json_option
def command(sample: int | None, as_json: bool) -> None:
    """Compare every contact with its friend's state: equal, different, missing, extra; exit 1 unless all are equal."""
    settings = Settings.load()
    with talk_console().status("comparing HubSpot with the states"):
        proof = asyncio.run(compare(settings, sample))
    if as_json:
        print_json({**asdict(proof), "holds": proof.holds})
    else:
        _show(proof)
    if not proof.holds:
        raise SystemExit(NO)


async def compare(settings: Settings, sample: int | None = None) -> Proof:
    """Read the states, read HubSpot, compare."""
    brokers = resolve(settings)
    rows = [row async for row in all_rows(brokers)]
    async with contacts_api(settings) as hubspot:
        registered = await load(brokers)
        removed = frozenset(number for number, record in registered.items() if record.status == "removed")
        names = _names({*registered, *(int(number) for row in rows for number in row.connections)})
        if sample is None:
            live = [contact async for contact in _every_contact(hubspot, names)]
        else:
            linked = [row for row in rows if row.contact is not None and row.contact.status == "live"]
            rows = random_source().sample(linked, min(sample, len(linked)))
            live = [contact async for contact in _contacts_of(hubspot, names, rows)]
    return prove((expected_of(row, removed=removed) for row in rows), live)


def _names(numbers: Iterable[int]) -> list[str]:
    ours = [one.name for number in sorted(numbers) for one in connection_properties(number)]
    return [*READ_WITH, *ours]


async def _every_contact(hubspot: ContactsApi, names: list[str]) -> AsyncIterator[LiveContact]:
    after: str | None = None
    while True:
        page = await patiently(lambda: hubspot.page(names, after=after))  # noqa: B023 - awaited before it changes
        for found in page.contacts:
            yield _live(found)
        after = page.after
        if after is None:
            return


async def _contacts_of(hubspot: ContactsApi, names: list[str], rows: list[FriendState]) -> AsyncIterator[LiveContact]:
    ids = [row.contact.id for row in rows if row.contact is not None and row.contact.id is not None]
    for start in range(0, len(ids), BATCH):
        keys = ids[start : start + BATCH]
        answer = await patiently(lambda: hubspot.batch_read(keys, names))  # noqa: B023 - awaited before it changes
        for found in answer.found:
            yield _live(found)


def _live(found: Found) -> LiveContact:
    return LiveContact(id=found.id, properties=found.properties, swallowed=found.swallowed)


def _show(proof: Proof) -> None:
    counts: list[tuple[str, Any]] = [
        ("equal", proof.equal),
        ("different", proof.different),
        ("missing", proof.missing),
        ("extra", proof.extra),
        ("rightly absent", proof.absent),
        ("foreign", proof.foreign),
    ]
    print_table(("contacts", "count"), counts)
    if proof.findings:
        rows = [(one.kind, mask(one.friend), one.contact or "", ", ".join(one.properties)) for one in proof.findings]
        print_table(("what", "friend", "record", "properties"), rows[:SHOWN])
    if len(proof.findings) > SHOWN:
        talk(f"and {len(proof.findings) - SHOWN} more; --json lists all")
