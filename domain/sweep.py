"""What follows from looking at a friend's contact: the sight to tell the fold, where there is news.

Law: only what differs from the row is told, so a sweep over contacts that are as they shall be says nothing, and a
second one over the same contacts says nothing new. What would end in forgetting a friend is seen twice, a day apart.
Pure: the sink reads the rows and asks HubSpot, DESIGN 4.5 is the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from domain.batch_answers import Found
from domain.compare import differing
from domain.contact_properties import user_id_property
from domain.delivery import BIN_DAYS_TRUSTED
from domain.order import is_newer
from domain.outcomes import ARCHIVED, NOWHERE, PARKED
from domain.policy import HOUR_MS
from domain.projection import email_of, properties_of
from domain.settle import MAX_LOCAL_PART, UNSTABLE
from schemas.friends import Blocked, Contact, FriendState
from schemas.outcomes import Outcome, Reason, Sight

DAY_MS: Final = 24 * HOUR_MS
CONFIRM_MS: Final = 7 * DAY_MS
LOOKED_FOR_MS: Final = 89 * DAY_MS
_TRUSTED_MS: Final = BIN_DAYS_TRUSTED * DAY_MS
_NEVER_AGAIN: Final = frozenset({"NOT_PERMITTED", ARCHIVED})
_LINE_USER_ID: Final = re.compile(r"U[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What to ask HubSpot about one friend: a record id, alive or in the bin, and who has the dummy email."""

    contact: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What HubSpot has: behind the id, in the bin, behind the dummy email. `read_at` (ms) is before the first call."""

    read_at: int
    alive: Found | None = None
    archived: Found | None = None
    by_email: Found | None = None


def look_of(row: FriendState, *, now: int) -> Look | None:
    """What is to be asked about a friend; None while a change is open, or where nothing can be learnt."""
    contact = row.contact
    if contact is None or row.sent is not None:
        return None
    if contact.status == "live":
        return Look(contact=contact.id)
    if len(row.friend) > MAX_LOCAL_PART:
        return None
    if contact.status == "gone" and contact.at is not None and now - contact.at < LOOKED_FOR_MS:
        return Look(contact=contact.id, email=email_of(row.friend))
    if contact.status == "none" and row.blocked is not None and may_retry(row.blocked, now=now):
        return Look(email=email_of(row.friend))
    return None


def sight_of(row: FriendState, seen: Seen, *, generation: int, removed: frozenset[int] = frozenset()) -> Outcome | None:
    """The news of a look; None when there is none. The values of `removed` connections are nobody's any more."""
    contact = row.contact
    if contact is None or row.sent is not None:
        return None
    if contact.status == "none":
        told: _Told | None = _of_nobody(row, seen)
    elif contact.status == "gone":
        told = _of_gone(row, contact, seen)
    else:
        told = _of_live(row, contact, seen, removed)
    if told is None:
        return None
    return Outcome(
        friend=row.friend,
        result=told.result,
        contact=told.contact,
        asked=contact.id,
        shadowed=told.shadowed,
        at=seen.read_at,
        read_at=seen.read_at,
        hubspot_at=told.hubspot_at,
        generation=generation,
        attempts=1,
        reason=None if told.code is None else Reason(code=told.code),
    )


def unanswered(row: FriendState, *, now: int, generation: int) -> Outcome | None:
    """The sink's commit is past the open change, and the fold past all that the sink has told: its answer is lost."""
    if row.sent is None:
        return None
    contact = None if row.contact is None else row.contact.id
    return Outcome(
        friend=row.friend,
        revision=row.sent.revision,
        result="unanswered",
        contact=contact,
        asked=contact,
        at=now,
        read_at=now,
        generation=generation,
        attempts=1,
    )


def may_retry(blocked: Blocked, *, now: int) -> bool:
    """Whether a sweep may let a refused change be tried again: at once if it was parked, else later."""
    if blocked.code.partition(":")[0] == PARKED:
        return True
    if blocked.code in _NEVER_AGAIN:
        return False
    return now - blocked.at >= (HOUR_MS if blocked.code == UNSTABLE else DAY_MS)


def retries_a_rejection(row: FriendState, sight: Outcome) -> bool:
    """Whether a sight only makes HubSpot judge again what it has refused as invalid."""
    blocked, contact = row.blocked, row.contact
    if blocked is None or blocked.code.partition(":")[0] in {PARKED, UNSTABLE, NOWHERE, *_NEVER_AGAIN}:
        return False
    still_gone = sight.result == "archived" and contact is not None and contact.status == "gone"
    return still_gone or sight.result in {"alive", "drifted", "merged"}


class _Told(NamedTuple):
    """The part of a sight that differs from case to case."""

    result: Sight
    contact: str | None = None
    shadowed: tuple[int, ...] = ()
    hubspot_at: int | None = None
    code: str | None = None


def _of_nobody(row: FriendState, seen: Seen) -> _Told:
    """No contact is linked, and making one was refused: somebody else's may be there, else it is tried again."""
    found = seen.by_email
    return _Told("drifted") if found is None else _Told("twin", found.id, of_others(row, found))


def _of_gone(row: FriendState, contact: Contact, seen: Seen) -> _Told | None:
    back, other = seen.alive, seen.by_email
    if back is None and other is not None:
        if other.id != contact.id:
            return _Told("twin", other.id, of_others(row, other))
        back = other
    if back is not None:
        return _Told("restored", back.id, of_others(row, back))
    if contact.id is None:
        return None
    if seen.archived is not None:
        wanted = row.blocked is not None and is_newer(row.trigger, row.trigger_delivered)
        again = wanted and _lifts(row, seen.read_at)
        return _archived(contact, seen.archived) if again or contact.nowhere_at is not None else None
    if contact.nowhere_at is None:
        return _nowhere(contact) if _left_early(contact, seen.read_at) else None
    return _Told("erased", contact.id) if seen.read_at - contact.nowhere_at >= DAY_MS else None


def _of_live(row: FriendState, contact: Contact, seen: Seen, removed: frozenset[int]) -> _Told | None:
    found = seen.alive
    if found is None:
        if seen.archived is not None:
            return _archived(contact, seen.archived)
        if _left_early(contact, seen.read_at):
            return _nowhere(contact)
        return _Told("archived", contact.id, code=ARCHIVED)
    if not _lifts(row, seen.read_at):
        return None
    if found.id != contact.id:
        return _Told("merged", found.id)
    others = of_others(row, found)
    wanted = properties_of(row.friend, row.connections)
    if differing(wanted, found.properties, skipped=removed.union(others)):
        return _Told("drifted", found.id, others)
    known = tuple(sorted(int(number) for number, state in row.connections.items() if state.shadowed))
    due = contact.at is None or seen.read_at - contact.at >= CONFIRM_MS
    return _Told("alive", found.id, others) if due or others != known or row.blocked is not None else None


def of_others(row: FriendState, found: Found) -> tuple[int, ...]:
    """The connections whose slot in this contact names another LINE user; what is no user id was only typed there."""
    named = {int(number): found.properties.get(user_id_property(int(number))) for number in row.connections}
    return tuple(
        sorted(
            number
            for number, value in named.items()
            if value and value.strip() != row.friend and _LINE_USER_ID.fullmatch(value.strip())
        )
    )


def _lifts(row: FriendState, now: int) -> bool:
    return row.blocked is None or may_retry(row.blocked, now=now)


def _left_early(contact: Contact, now: int) -> bool:
    """The bin keeps 90 days: what was alive or in it lately and is in neither place was deleted for privacy."""
    return contact.at is not None and now - contact.at < _TRUSTED_MS


def _archived(contact: Contact, found: Found) -> _Told:
    return _Told("archived", contact.id, hubspot_at=found.archived_at, code=ARCHIVED)


def _nowhere(contact: Contact) -> _Told:
    return _Told("archived", contact.id, code=NOWHERE)
