"""Desired against observed: emit a change only to close a gap.

Law: at most one change of a friend is open, and a deleted contact comes back only for a trigger (a message or a follow)
newer than the last one that a write carried.
"""

from collections.abc import Sequence

import msgspec

from domain.draft import Draft
from domain.order import is_newer, mark_of
from domain.policy import FoldPolicy
from domain.projection import email_of, properties_of
from schemas.changes import MAX_CAUSES, Change
from schemas.codec import digest_of
from schemas.decisions import Decision
from schemas.friends import Blocked, Sent, Writes
from schemas.marks import Cause, Trigger

MAX_LOCAL_PART = 64
UNSTABLE = "unstable"
ID_TOO_LONG = "id_too_long"


class Verdict(msgspec.Struct, frozen=True):
    """What settling decided; `code` says why where the decision alone does not."""

    decision: Decision
    code: str | None = None
    change: Change | None = None


_ERASED = Verdict("erased")
_WAITING = Verdict("waiting")
_NOT_PERMITTED = Verdict("not_permitted")
_ID_TOO_LONG = Verdict("not_permitted", ID_TOO_LONG)
_SAME = Verdict("same")
_SHADOWED = Verdict("shadowed")


def settle(draft: Draft, causes: Sequence[Cause], *, now: int, policy: FoldPolicy) -> Verdict:
    """Close the gap between the draft and HubSpot, if there is one; `now` in ms."""
    status = draft.contact.status
    if status == "erased":
        return _ERASED
    if draft.sent is not None:
        return _WAITING
    undelivered = is_newer(draft.trigger, draft.delivered)
    may_create = (draft.trigger or draft.permit) if status == "none" else draft.trigger if undelivered else None
    if status != "live" and (may_create is None or len(draft.friend) > MAX_LOCAL_PART):
        draft.rewrite = False  # there is nothing to write to; a link that comes later asks for it again
        return _NOT_PERMITTED if may_create is None else _ID_TOO_LONG
    properties = properties_of(draft.friend, draft.connections)
    digest = digest_of(properties)
    if draft.blocked is not None and _refused_before(draft.blocked, draft, digest, undelivered):
        return Verdict("blocked", draft.blocked.code)
    in_place = status == "live" and (not properties or _holds(draft, digest))
    if in_place and not draft.rewrite:
        shadowed = any(connection.shadowed for connection in draft.connections.values())
        if shadowed or not undelivered:
            return _SHADOWED if shadowed else _SAME
    if not _may_write(draft, now, policy):
        draft.blocked = Blocked(digest=digest, trigger=mark_of(draft.trigger), code=UNSTABLE, at=now)
        return Verdict("blocked", UNSTABLE)
    change = _emit(draft, causes, properties, digest, may_create, now)
    return Verdict("rewritten" if in_place and may_create is None else "changed", None, change)


def standing(draft: Draft) -> Verdict:
    """What settling decided last about a state that has not changed since."""
    status = draft.contact.status
    if status == "erased":
        return _ERASED
    if draft.sent is not None:
        return _WAITING
    if (status == "none" and draft.permit is None) or (
        status == "gone" and not is_newer(draft.trigger, draft.delivered)
    ):
        return _NOT_PERMITTED
    if draft.blocked is not None:
        return Verdict("blocked", draft.blocked.code)
    return _SAME if status == "live" else _ID_TOO_LONG


def _refused_before(blocked: Blocked, draft: Draft, digest: str, undelivered: bool) -> bool:
    """Is it the content that HubSpot refused, and has no newer trigger come since?"""
    return digest == blocked.digest and not (undelivered and is_newer(draft.trigger, blocked.trigger))


def _holds(draft: Draft, digest: str) -> bool:
    """Did the last write put this very content on the linked contact?"""
    return draft.seen is not None and draft.seen.digest == digest and draft.seen.contact == draft.contact.id


def _may_write(draft: Draft, now: int, policy: FoldPolicy) -> bool:
    """The loop guard: so many writes in a window without a new LINE event and no more."""
    if draft.new_event:
        draft.writes = None
        return True
    writes = draft.writes
    if writes is None or not 0 <= now - writes.since < policy.loop_window_ms:
        draft.writes = Writes(since=now, count=1)
        return True
    if writes.count >= policy.loop_writes:
        return False
    draft.writes = Writes(since=writes.since, count=writes.count + 1)
    return True


def _emit(
    draft: Draft,
    causes: Sequence[Cause],
    properties: dict[str, str],
    digest: str,
    may_create: Trigger | None,
    now: int,
) -> Change:
    revision = draft.revision + 1
    contact = draft.contact
    draft.sent = Sent(revision=revision, digest=digest, trigger=mark_of(may_create), at=now)
    draft.rewrite = False
    return Change(
        friend=draft.friend,
        revision=revision,
        digest=digest,
        emitted_at=now,
        contact=contact.id,
        confirmed_at=contact.at,
        may_create=may_create,
        erased_at=draft.erased_at,
        email=email_of(draft.friend),
        properties=properties,
        causes=tuple(causes[:MAX_CAUSES]),
        more_causes=max(0, len(causes) - MAX_CAUSES),
    )
