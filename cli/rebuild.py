"""`rebuild`: the states made again when friends.v1 was lost.

Law: nobody is re-created by it, and it never runs over states that are there, or while a fold runs. Whatever cannot be
known any more is taken in the careful way: who is in no list of HubSpot's is gone until a new message or follow.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

import click
from aiokafka.admin import AIOKafkaAdminClient

from cli.output import json_option, print_json, print_table, talk, talk_console
from cli.rebuild_reading import Ends, note_ends, numbers_in_log, read_contacts, read_ledger
from cli.rebuild_writing import begin, finish, forget_local_rows, is_unfinished, write
from cli.wiring import contacts_api
from domain.policy import FoldPolicy
from domain.rebuild import Rebuild, Rebuilt
from registry.log import load
from runtime.brokers import resolve
from runtime.clock import now_ms
from runtime.log_reader import end_offsets
from runtime.refusal import REFUSED, Refusal
from runtime.settings import Settings
from schemas.topics import DAY_MS, FOLD_GROUP, FRIENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a rebuild will write."""

    rebuilt: list[Rebuilt]
    ends: Ends
    contacts: int

    @property
    def counts(self) -> dict[str, int]:
        """Contacts read, and friends by what becomes of them."""
        of = Counter("erased" if one.state.contact is None else one.state.contact.status for one in self.rebuilt)
        unsettled = sum(one.unsettled for one in self.rebuilt)
        return {
            "contacts": self.contacts,
            "friends": len(self.rebuilt),
            **{status: of[status] for status in ("live", "gone", "erased")},
            "written_again": unsettled,
        }


@click.command("rebuild")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def command(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Make the lost states again from HubSpot's lists and the log. Kafka runs (`run broker`), the fold does not."""
    settings = Settings.load()
    brokers = resolve(settings)
    with talk_console().status("reading HubSpot and the log"):
        plan = asyncio.run(prepare(settings, brokers))
    if as_json:
        print_json({"dry_run": dry_run, **plan.counts})
    else:
        print_table(("", "count"), [(name.replace("_", " "), count) for name, count in plan.counts.items()])
    if dry_run:
        return
    if not yes:
        click.confirm("Write these states?", abort=True, err=True)
    asyncio.run(carry_out(settings, brokers, plan))
    talk("done: start the fold again; `friendstream verify` compares")
    if settings.store == "rocksdb":
        talk("a fold on another machine begins with an empty DATA_DIR/fold: its rows are those of the lost topic")


async def prepare(settings: Settings, brokers: str) -> Plan:
    """Read everything; Refusal 4 where the states are there or the fold runs, 5 or 69 where HubSpot does not answer."""
    await _refuse_over_states(brokers)
    ends, read_at = await note_ends(brokers), now_ms()
    rebuild = Rebuild(
        numbers=sorted({*await load(brokers), *await numbers_in_log(brokers)}),
        read_at=read_at,
        since=read_at - settings.retention_days * DAY_MS,
        policy=FoldPolicy(recreate_after_erasure=settings.recreate_after_erasure),
    )
    async with contacts_api(settings) as hubspot:
        contacts = await read_contacts(hubspot, rebuild)
    await read_ledger(brokers, rebuild, ends)
    return Plan(rebuilt=list(rebuild.rows(ends.read_of)), ends=ends, contacts=contacts)


async def carry_out(settings: Settings, brokers: str, plan: Plan) -> None:
    """Write the plan between two marks; looked at again before, for a person may have taken long to say yes."""
    await _refuse_over_states(brokers)
    await begin(brokers)
    forget_local_rows(settings.data_dir)
    unsettled = [one.state for one in plan.rebuilt if one.unsettled]
    await write(brokers, [one.state for one in plan.rebuilt], unsettled, plan.ends)
    await finish(brokers)


async def _refuse_over_states(brokers: str) -> None:
    if await _fold_runs(brokers):
        raise Refusal(
            REFUSED,
            "fold_runs",
            "the fold is running, so its states are there",
            next_step="if they are lost all the same, stop it first; Kafka stays up: friendstream run broker",
        )
    written = any((await end_offsets(brokers, FRIENDS.name)).values())
    if written and not await is_unfinished(brokers):
        raise Refusal(
            REFUSED,
            "states_are_there",
            f"{FRIENDS.name} holds states: nothing is lost that a rebuild could bring back",
            next_step="to write every contact again as it should be: friendstream friends resync --all",
        )


async def _fold_runs(brokers: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([FOLD_GROUP])
        return any(members for _, _, _, _, _, members, *_ in answer.groups)
    finally:
        await admin.close()
