"""`friends erase --hubspot`: what HubSpot has of a friend is deleted, too.

Law: the fold forgets first. Only when the row is erased, and with it every open change is answered, are contacts
deleted: nothing that was still on its way can put them back. To do all of it again is harmless.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cli.patience import patiently
from cli.rows import friend_partition
from clients.hubspot.contacts import ContactsApi
from domain.batch_answers import READ_WITH, Found
from domain.contact_properties import user_id_property
from domain.projection import email_of
from runtime.clock import monotonic
from runtime.log_reader import end_offsets, read_log
from runtime.refusal import TIMED_OUT, Refusal
from schemas.codec import Unreadable
from schemas.friends import FriendState, read_friend_state
from schemas.outcomes import read_outcome
from schemas.topics import FRIENDS, OUTCOMES

BATCH = 100
PAIRS = 5  # of one search
LOOK_SECONDS = 0.3
NEEDS = "give the token the scope crm.objects.contacts.write, or delete the contact for good in HubSpot itself"


@dataclass(slots=True)
class Deletion:
    """What became of the friend's contacts: record ids. `shared` ones name another LINE user as well and were left."""

    deleted: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)


async def place_of(brokers: str, friend: str) -> tuple[int, int]:
    """Partition and end of friends.v1 for this friend, now: where the erased row will be looked for."""
    partition = await friend_partition(brokers, friend)
    return partition, (await end_offsets(brokers, FRIENDS.name))[partition]


async def until_erased(brokers: str, friend: str, place: tuple[int, int], *, timeout: float) -> None:
    """Wait for an erased row written after `place`; Refusal 6 when none comes within `timeout` seconds."""
    partition, start = place
    patience = monotonic() + timeout
    while monotonic() < patience:
        newest: bytes | None = None
        async for record in read_log(brokers, FRIENDS.name, partitions=[partition], start={partition: start}):
            if record.key == friend.encode():
                newest = record.value
        if newest is not None and is_erased(read_friend_state(newest)):
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise Refusal(
        TIMED_OUT,
        "not_erased_yet",
        f"the erasure is ordered, but not done within {timeout:.0f} s: nothing was deleted in HubSpot",
        next_step="see `friendstream status` (a change of this friend may be open), then do the same again",
    )


def is_erased(row: FriendState) -> bool:
    """Nothing of before the erasure is left, and nothing of it is on its way."""
    waiting = row.contact is not None and row.contact.status == "erased"  # for the answer to the open change
    return row.erased_at is not None and not waiting


async def delete_contacts(
    brokers: str, hubspot: ContactsApi, friend: str, *, linked: str | None, numbers: Iterable[int]
) -> Deletion:
    """Delete for privacy every contact that was linked to the friend or carries the LINE user id; Refusal 5 or 69."""
    names = [user_id_property(number) for number in sorted(numbers)]
    done = Deletion()
    for contact in await _candidates(brokers, hubspot, friend, linked, names):
        others = {contact.properties.get(name) or "" for name in names} - {"", friend}
        ours = any(contact.properties.get(name) == friend for name in names) or email_of(friend) in contact.emails
        if not ours and contact.id != linked:
            continue
        if others:
            done.shared.append(contact.id)
        elif await patiently(lambda: hubspot.privacy_delete(contact.id), next_step=NEEDS):  # noqa: B023 - awaited here
            done.deleted.append(contact.id)
    return done


async def _candidates(
    brokers: str, hubspot: ContactsApi, friend: str, linked: str | None, names: list[str]
) -> list[Found]:
    """Contacts that may be the friend's, read anew: alive, then in the bin."""
    ids = {linked} if linked is not None else set()
    ids |= await _written_for(brokers, friend)
    by_email = await patiently(lambda: hubspot.batch_read([email_of(friend)], ["email"], id_property="email"))
    ids |= {found.id for found in by_email.found}
    for start in range(0, len(names), PAIRS):
        pairs = [(name, friend) for name in names[start : start + PAIRS]]
        ids |= {found.id for found in await patiently(lambda: hubspot.search(pairs, ["email"]))}  # noqa: B023 - as above
    read: dict[str, Found] = {}
    for archived in (False, True):
        for found in await _read(hubspot, sorted(ids), [*READ_WITH, *names], archived=archived):
            read.setdefault(found.id, found)
    return list(read.values())


async def _written_for(brokers: str, friend: str) -> set[str]:
    """Record ids that outcomes name for this friend."""
    partition, found = await friend_partition(brokers, friend), set()
    async for record in read_log(brokers, OUTCOMES.name, partitions=[partition]):
        if record.key != friend.encode() or record.value is None:
            continue
        try:
            outcome = read_outcome(record.value)
        except Unreadable:  # it is a dead letter already
            continue
        found |= {one for one in (outcome.contact, outcome.asked) if one is not None}
    return found


async def _read(hubspot: ContactsApi, ids: Sequence[str], names: Sequence[str], *, archived: bool) -> list[Found]:
    contacts: list[Found] = []
    for start in range(0, len(ids), BATCH):
        keys = ids[start : start + BATCH]
        answer = await patiently(lambda: hubspot.batch_read(keys, names, archived=archived))  # noqa: B023 - as above
        contacts += answer.found
    return contacts
