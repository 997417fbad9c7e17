"""One event of LINE's, of an import or of an operator, folded into a draft.

Law: what happened at or before an erasure never folds again; a contact's trigger and permission move in LINE's time
only; a profile is asked for beside all this and never delays it.
"""

from typing import Literal

from domain.draft import NO_CONTACT, Draft
from domain.policy import FoldPolicy
from domain.registers import NEVER_SEEN, ORDERED, TRIGGERS, fold_registers, permits_contact
from schemas.events import EventRecord
from schemas.friends import ConnectionState, Profile
from schemas.marks import Trigger

# moved = it changed the state; older = its register holds something newer or the same; idle = it has no register
Effect = Literal["moved", "older", "idle", "duplicate", "erased"]

_ASKING = frozenset({"webhook", "spool"})
_UNLINKED = frozenset({"none", "erased"})


def fold_event(draft: Draft, record: EventRecord, kind: str, event_id: str, at: int, policy: FoldPolicy) -> Effect:
    """Fold an event that happened at `at` (ms, LINE's clock)."""
    if draft.erased_at is not None and at <= draft.erased_at:
        return "erased"
    if record.origin == "operator":
        return _obey(draft, kind, at)
    if draft.contact.status == "erased" and not _begins_anew(draft, kind, policy):
        return "erased"
    key = str(record.connection)
    known = draft.connections.get(key, NEVER_SEEN)
    permits = permits_contact(kind, record.event)
    registers = fold_registers(known, kind, record.event, event_id, at, permits)
    moved = registers is not known
    if moved:
        draft.put(key, registers)
    if permits and _note_permission(draft, kind, event_id, at):
        draft.touched = moved = True
    if moved:
        draft.new_event = True
        return "moved"
    return "older" if kind in ORDERED else "idle"


def wants_profile(draft: Draft, record: EventRecord, kind: str, policy: FoldPolicy) -> bool:
    """Ask LINE for name and picture: on follow, on first sight, or when too old, and not asked for lately."""
    if record.origin not in _ASKING or kind == "unfollow" or draft.contact.status == "erased":
        return False
    profile = draft.connections.get(str(record.connection), NEVER_SEEN).profile
    if profile is None:
        return True
    if profile.wanted_at is not None and abs(record.received_at - profile.wanted_at) < policy.profile_ask_again_ms:
        return False
    return kind == "follow" or profile.at is None or record.received_at - profile.at > policy.profile_max_age_ms


def note_profile_wanted(draft: Draft, record: EventRecord) -> None:
    """Remember when a profile was asked for last."""
    key = str(record.connection)
    old = draft.connections.get(key, NEVER_SEEN)
    known = old.profile or Profile()
    wanted = Profile(
        name=known.name, picture=known.picture, found=known.found, at=known.at, wanted_at=record.received_at
    )
    draft.put(
        key,
        ConnectionState(
            follow=old.follow,
            inbound=old.inbound,
            outbound_at=old.outbound_at,
            linked_at=old.linked_at,
            profile=wanted,
            unsent=old.unsent,
            shadowed=old.shadowed,
        ),
    )


def _obey(draft: Draft, kind: str, at: int) -> Effect:
    """What an operator ordered: `erase` or `resync`."""
    if kind == "erase":
        draft.erase(at)
        return "moved"
    if draft.contact.status == "erased":
        return "erased"
    if kind != "resync" or draft.revision == 0:
        return "idle"
    draft.rewrite = True
    draft.blocked = draft.writes = None
    draft.touched = True
    return "moved"


def _begins_anew(draft: Draft, kind: str, policy: FoldPolicy) -> bool:
    """After an erasure only a trigger starts afresh, where the operator wants that; then all that is newer folds."""
    if not policy.recreate_after_erasure or (kind not in TRIGGERS and draft.trigger is None):
        return False
    if draft.sent is None:
        draft.contact = NO_CONTACT
    return True


def _note_permission(draft: Draft, kind: str, event_id: str, at: int) -> bool:
    """Move the newest trigger, and the first permission while there is no contact; true if one of them moved."""
    moved = False
    if kind in TRIGGERS:
        newest = draft.trigger
        if newest is None or at > newest.at or (at == newest.at and event_id > newest.id):
            draft.trigger = Trigger(id=event_id, at=at, kind=kind)
            moved = True
    if draft.contact.status in _UNLINKED:
        first, sent = draft.permit, draft.sent
        if first is None or at < first.at or (at == first.at and event_id < first.id):
            out = first is not None and sent is not None and sent.trigger is not None and sent.trigger.id == first.id
            if not out:  # the permission of an open change must be told from a delivered message when it is answered
                draft.permit = Trigger(id=event_id, at=at, kind=kind)
                moved = True
    return moved
