"""The states made again from what HubSpot and the log still know, when friends.v1 is lost.

Law: nobody is re-created by it. Whatever the log holds of before counts as delivered; who is in no list of HubSpot's is
gone, never unknown; who was erased stays erased. Values of HubSpot's are older than any real event: they stand at
clock 0. Pure: nothing is emitted, and what differs from HubSpot is only named, for the fold to settle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from domain.batch_answers import Found
from domain.compare import differing, instant_of
from domain.contact_properties import user_id_property
from domain.draft import ERASED, Draft, freeze, thaw
from domain.event_time import event_time
from domain.events import fold_event
from domain.last_response import UNKNOWN, UNSENT
from domain.order import is_newer, mark_of
from domain.policy import FoldPolicy
from domain.projection import email_of, names_of, properties_of
from domain.registers import NEVER_SEEN
from domain.results import fold_result
from domain.turn import friend_of, kind_of
from schemas.changes import Change
from schemas.codec import digest_of
from schemas.events import EventRecord, event_id
from schemas.friends import ConnectionState, Contact, Follow, FriendState, Inbound, Profile, Read, Seen
from schemas.marks import Mark
from schemas.outcomes import WROTE, Outcome
from schemas.results import Result

UNANSWERED_AT = 1  # a message at clock 0 counts as answered, one at 1 does not; no real clock goes there
SPREAD_MS = 60_000  # an event may have happened so long before one that was received earlier
DUMMY = "@line.me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """One state, and whether the fold has to look at it again: HubSpot has something else, or may get it."""

    state: FriendState
    unsettled: bool


@dataclass(slots=True)
class _Past:
    """What the ledger says of a friend: the newest revision, the last erasure (ms), if it went on after that, and
    which contact was there last, confirmed when."""

    revision: int = 0
    erased_at: int | None = None
    went_on: bool = False
    changed_at: int = 0
    contact: str | None = None
    confirmed_at: int = 0
    last_change: Mapping[str, str] = field(default_factory=dict)

    def erased(self, at: int) -> None:
        """Note an erasure; a change that came after it stands."""
        self.erased_at = max(self.erased_at or 0, at)
        self.went_on = self.went_on and self.changed_at > self.erased_at
        if self.confirmed_at <= self.erased_at:
            self.contact = None


@dataclass(slots=True, kw_only=True)
class Rebuild:
    """Takes contacts first, then changes and outcomes, then events and results, each topic in order.

    `numbers` are all connections there ever were; `read_at` (ms) = before HubSpot was first asked; `since` (ms):
    nothing that happened before the first event that is kept, nor before `since` where none is, is news to anybody.
    """

    numbers: Iterable[int]
    read_at: int
    since: int
    policy: FoldPolicy
    _earliest: int | None = None
    _linked: dict[str, Found] = field(default_factory=dict)
    _by_email: dict[str, Found] = field(default_factory=dict)
    _past: dict[str, _Past] = field(default_factory=dict)
    _pending: set[str] = field(default_factory=set)
    _drafts: dict[str, Draft] = field(default_factory=dict)

    def take_contact(self, found: Found) -> None:
        """A contact of the list of living ones, or of those in the bin."""
        for number in self.numbers:
            friend = (found.properties.get(user_id_property(number)) or "").strip()
            if friend and _is_better(found, self._linked.get(friend)):
                self._linked[friend] = found
        if found.archived_at is None:
            self._by_email |= {email: found for email in found.emails if email.endswith(DUMMY)}

    def take_change(self, change: Change, *, pending: bool) -> None:
        """A change that was emitted; `pending` = the sink has not come to it yet."""
        past = self._past.setdefault(change.friend, _Past())
        past.revision = max(past.revision, change.revision)
        past.changed_at, past.went_on = change.emitted_at, True
        if change.contact is not None:
            past.contact, past.confirmed_at = change.contact, change.confirmed_at or change.emitted_at
        past.last_change = change.properties if self._found(change.friend) is None else {}
        if pending:
            self._pending.add(change.friend)

    def take_empty_change(self, friend: str, at: int) -> None:
        """What the fold leaves of who was erased, written `at` (ms): in the log it stands after what it ends."""
        past = self._past.setdefault(friend, _Past())
        past.erased(at)
        past.went_on, past.last_change = False, {}

    def take_outcome(self, outcome: Outcome) -> None:
        """An old outcome: its revision counts, an erasure, and which contact was written."""
        past = self._past.setdefault(outcome.friend, _Past())
        past.revision = max(past.revision, outcome.revision or 0)
        if outcome.result == "erased":
            past.erased(outcome.at)
        elif outcome.read_at is None and outcome.result in WROTE and outcome.at > (past.erased_at or 0):
            past.went_on = True
            if outcome.contact is not None and outcome.at >= past.confirmed_at:
                past.contact, past.confirmed_at = outcome.contact, outcome.at

    def take_event(self, record: EventRecord) -> None:
        """An event that was folded before."""
        self._earliest = min(record.received_at, self._earliest or record.received_at)
        friend = friend_of(record.event)
        if friend is None:
            return
        identity = event_id(record.connection, record.event)
        at = event_time(record.event, identity, record.received_at)
        if at is not None:
            fold_event(self._draft(friend), record, kind_of(record), identity, at, self.policy)

    def take_result(self, result: Result) -> None:
        """What LINE answered; alone it makes nobody known."""
        friend = result.friend
        if friend not in self._drafts and self._found(friend) is None:
            return
        draft, asked_at = self._draft(friend), result.requested_at
        late = draft.erased_at is not None and (asked_at is None or asked_at <= draft.erased_at)
        if draft.contact.status == "erased" or late:
            return
        key = str(result.connection)
        known = draft.connections.get(key, NEVER_SEEN)
        registers = fold_result(known, result)
        if registers is not known:
            draft.put(key, registers)

    def rows(self, read_of: Callable[[str], Read]) -> Iterator[Rebuilt]:
        """Every state; `read_of` tells how far outcomes and results of a friend's partition count as folded."""
        for friend in sorted({*self._linked, *self._drafts, *self._past}):
            yield self._finish(self._draft(friend), read_of(friend))

    def _found(self, friend: str) -> Found | None:
        return self._linked.get(friend) or self._by_email.get(email_of(friend))

    def _draft(self, friend: str) -> Draft:
        draft = self._drafts.get(friend)
        if draft is None:
            draft = self._drafts[friend] = thaw(friend, None)
            found, past = self._found(friend), self._past.get(friend, _Past())
            draft.revision, draft.erased_at = past.revision, past.erased_at
            if past.erased_at is not None and not past.went_on:
                draft.contact = ERASED
            else:
                told = past.last_change if found is None else found.properties
                draft.connections = _seeds(friend, told, self.numbers)
        return draft

    def _finish(self, draft: Draft, read: Read) -> Rebuilt:
        draft.revision += 1
        draft.rewrite, draft.read = False, read
        if draft.contact.status == "erased":
            return Rebuilt(state=freeze(draft, None), unsettled=False)
        floor = Mark(id="", at=self.since if self._earliest is None else self._earliest - SPREAD_MS)
        newest = mark_of(draft.trigger)
        draft.delivered = newest if is_newer(newest, floor) else floor
        found = self._found(draft.friend)
        if found is None or found.archived_at is not None:
            draft.contact = self._gone(draft.friend, found)
            draft.seen = Seen(at=self.read_at)
            return Rebuilt(state=freeze(draft, None), unsettled=False)
        draft.contact = Contact(id=found.id, status="live", at=self.read_at)
        differs = self._compare(draft, found)
        return Rebuilt(state=freeze(draft, None), unsettled=differs or draft.friend in self._pending)

    def _gone(self, friend: str, found: Found | None) -> Contact:
        """One that is in no list keeps the id it had last: if it left the bin early, the sweep will say erased."""
        past = self._past.get(friend, _Past())
        if found is not None:
            return Contact(id=found.id, status="gone", at=found.archived_at)
        return Contact(id=past.contact, status="gone", at=past.confirmed_at if past.contact else self.read_at)

    def _compare(self, draft: Draft, found: Found) -> bool:
        """Note what is on the contact; true where it is not what should be there."""
        draft.connections = {
            key: msgspec.structs.replace(state, shadowed=_is_anothers(found, int(key), draft.friend))
            for key, state in draft.connections.items()
        }
        wanted = properties_of(draft.friend, draft.connections)
        if differing(wanted, found.properties):
            draft.seen = Seen(at=self.read_at)
            return True
        draft.seen = Seen(digest=digest_of(wanted), contact=found.id, at=self.read_at)
        return False


def _is_better(one: Found, other: Found | None) -> bool:
    """Alive before deleted; of the living the oldest, as the others are twins; of the deleted the last."""
    if other is None:
        return True
    if one.archived_at is None or other.archived_at is None:
        return other.archived_at is not None or (one.archived_at is None and int(one.id) < int(other.id))
    return one.archived_at > other.archived_at


def _is_anothers(found: Found, number: int, friend: str) -> bool:
    owner = found.properties.get(user_id_property(number))
    return bool(owner) and owner != friend


def _seeds(friend: str, found: Mapping[str, str | None], numbers: Iterable[int]) -> dict[str, ConnectionState]:
    """The registers that a contact's properties tell, for each connection whose slot names the friend."""
    return {
        str(number): _seed(found, str(number))
        for number in sorted(numbers)
        if (found.get(user_id_property(number)) or "").strip() == friend
    }


def _seed(found: Mapping[str, str | None], number: str) -> ConnectionState:
    names = names_of(number)
    follow, text, linked_at = found.get(names.follow), found.get(names.last_response), found.get(names.sync_date)
    unanswered = found.get(names.unanswered) == "true"
    name, picture = found.get(names.name) or None, found.get(names.picture) or None
    inbound = None
    if text or unanswered:
        retracted = text == UNSENT
        inbound = Inbound(
            at=UNANSWERED_AT if unanswered else 0,
            id="",
            message="",
            kind=UNKNOWN,
            text=None if retracted else text or None,
            retracted=retracted,
        )
    return ConnectionState(
        follow=Follow(value=follow == "true", at=0, id="") if follow else None,
        inbound=inbound,
        linked_at=instant_of(linked_at) if linked_at else None,
        profile=Profile(name=name, picture=picture, found=True, at=0) if name or picture else None,
    )
