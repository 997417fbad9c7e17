"""What HubSpot did or a sweep saw, folded into a draft.

Law: only the answer to the open change closes it; what answers nothing can relink or ask for a rewrite, never undo; a
sweep counts only while nothing is open and only if it looked after the last write.
"""

from domain.draft import NO_CONTACT, Draft
from domain.events import Effect
from domain.order import is_newer
from domain.registers import TRIGGERS
from schemas.friends import Blocked, ConnectionState, Contact, Seen, Sent
from schemas.marks import Mark
from schemas.outcomes import WROTE, Outcome

NOWHERE = "nowhere"
ARCHIVED = "archived"
PARKED = "parked"
_EXISTS = frozenset({"created", "adopted", "merged"})


def fold_outcome(draft: Draft, outcome: Outcome) -> Effect:
    """Fold one outcome that was not folded before."""
    answer = _answers(draft.sent, outcome)
    if draft.contact.status == "erased":
        return _end_erasure(draft) if answer or _gives_up(draft.sent, outcome) else "erased"
    if not answer and draft.erased_at is not None and outcome.at <= draft.erased_at:
        return "erased"
    if outcome.shadowed:
        _shadow(draft, outcome.shadowed, also=True)
    if outcome.read_at is not None:
        _fold_sight(draft, outcome, outcome.read_at)
    elif answer and draft.sent is not None:
        _fold_answer(draft, outcome, draft.sent)
    else:
        _fold_stray(draft, outcome)
    return "moved"


def _answers(sent: Sent | None, outcome: Outcome) -> bool:
    return (
        sent is not None
        and outcome.revision == sent.revision
        and outcome.digest == sent.digest
        and outcome.trigger == sent.trigger
    )


def _gives_up(sent: Sent | None, outcome: Outcome) -> bool:
    """The sweep found the open change passed over."""
    return sent is not None and outcome.result == "unanswered" and outcome.revision == sent.revision


def _end_erasure(draft: Draft) -> Effect:
    """The last open change is answered: the row becomes the erased row, or starts afresh if a trigger came since."""
    draft.sent = None
    if draft.trigger is not None:
        draft.contact = NO_CONTACT
    return "moved"


def _fold_answer(draft: Draft, outcome: Outcome, sent: Sent) -> None:
    """The answer to the open change."""
    draft.sent = None
    trigger = _delivering(draft, sent)
    result = outcome.result
    if result in WROTE:
        contact = outcome.contact or outcome.asked or draft.contact.id
        if result == "created":
            _shadow(draft, outcome.shadowed)
        draft.contact = Contact(id=contact, status="live", at=outcome.at)
        draft.seen = Seen(digest=sent.digest, contact=contact, generation=outcome.generation, at=outcome.at)
        draft.blocked = None
        if not outcome.shadowed and is_newer(trigger, draft.delivered):
            draft.delivered = trigger
        return
    if result == "erased":
        draft.erase(outcome.at)
        return
    old = draft.seen or Seen(at=0)
    draft.seen = Seen(digest=old.digest, contact=old.contact, generation=outcome.generation, at=old.at)
    if result == "gone":
        _fold_gone(draft, outcome, sent, trigger)
    else:
        draft.blocked = Blocked(digest=sent.digest, trigger=trigger, code=blocking_code(outcome), at=outcome.at)


def _fold_gone(draft: Draft, outcome: Outcome, sent: Sent, trigger: Mark | None) -> None:
    """The change found no contact and made none."""
    linked, code = draft.contact.id, _code(outcome)
    if linked is None:  # asked again at once, the sink would find the same
        draft.blocked = Blocked(digest=sent.digest, trigger=trigger, code=blocking_code(outcome), at=outcome.at)
    elif _asked(outcome) == linked:
        _let_go(draft, outcome)
        draft.blocked = None  # what was refused was for the contact that is deleted now
        if code == NOWHERE and sent.trigger is not None:
            draft.blocked = Blocked(digest=sent.digest, trigger=trigger, code=NOWHERE, at=outcome.at)
        elif code == ARCHIVED and is_newer(trigger, draft.delivered):
            draft.delivered = trigger  # it permitted a creation and none was made: an earlier write carried it


def _fold_stray(draft: Draft, outcome: Outcome) -> None:
    """An outcome of a change that is not the open one: an older owner's, or one that a crash forgot."""
    if outcome.result in _EXISTS and outcome.contact is not None:
        if outcome.result == "created":
            _shadow(draft, outcome.shadowed)
        _relink(draft, outcome.contact, outcome.at)
    elif draft.seen is not None and (_is_late(draft.seen, outcome) or _wrote_something_else(draft, outcome)):
        draft.rewrite = True


def _is_late(seen: Seen, outcome: Outcome) -> bool:
    """Did an owner act that had lost the partition before the last write?"""
    return seen.generation is not None and outcome.generation < seen.generation


def _wrote_something_else(draft: Draft, outcome: Outcome) -> bool:
    """A change that a crash forgot was written after all, and no open one will be written over it."""
    last = None if draft.seen is None else draft.seen.digest
    return draft.sent is None and outcome.result in WROTE and outcome.digest != last


def _fold_sight(draft: Draft, outcome: Outcome, read_at: int) -> None:
    """What a sweep saw."""
    if _gives_up(draft.sent, outcome):
        draft.sent = draft.blocked = None
        draft.rewrite = True
        return
    last_write = 0 if draft.seen is None else draft.seen.at
    if draft.sent is not None or outcome.result == "unanswered" or read_at <= last_write:
        return
    if not _speaks_of(draft.contact.id, outcome):
        return
    draft.blocked = None
    match outcome.result:
        case "erased":
            draft.erase(outcome.at)
        case "archived":
            if draft.contact.id is not None:
                _let_go(draft, outcome)
        case "merged":
            draft.rewrite = True
        case "twin":
            if outcome.contact is not None:
                _shadow(draft, outcome.shadowed)
                _relink(draft, outcome.contact, read_at)
        case "alive" | "restored" | "drifted":
            _see_alive(draft, outcome, read_at)


def _see_alive(draft: Draft, outcome: Outcome, read_at: int) -> None:
    """The contact is there: confirmed, or back, or edited by someone."""
    contact = draft.contact.id or outcome.contact
    if contact is None:
        return
    _shadow(draft, outcome.shadowed)
    if outcome.result != "alive":  # one that was gone is written anyway: nothing is known to be on it
        draft.rewrite = True
    confirmed = read_at if draft.contact.status != "live" else max(read_at, draft.contact.at or 0)
    draft.contact = Contact(id=contact, status="live", at=confirmed)


def _relink(draft: Draft, contact: str, at: int) -> None:
    draft.contact = Contact(id=contact, status="live", at=at)
    draft.rewrite = True
    draft.blocked = None


def _let_go(draft: Draft, outcome: Outcome) -> None:
    """The linked contact is deleted: its id stays, and the time it was last alive or archived at first sight."""
    old, nowhere = draft.contact, _code(outcome) == NOWHERE
    at = old.at if old.status == "gone" else outcome.hubspot_at
    if at is None:
        at = old.at if old.at is not None else outcome.at
    nowhere_at = (old.nowhere_at or outcome.at) if nowhere else None
    draft.contact = Contact(id=old.id, status="gone", at=at, nowhere_at=nowhere_at)
    if draft.seen is not None:  # the generation is the answer's own: an owner before it is late, whatever it wrote
        draft.seen = Seen(generation=draft.seen.generation, at=draft.seen.at)
    draft.rewrite = False
    _shadow(draft, ())


def _shadow(draft: Draft, numbers: tuple[int, ...], *, also: bool = False) -> None:
    """Mark the slots that belong to another friend, and free all others unless `also`."""
    for key, old in draft.connections.items():
        shadowed = (also and old.shadowed) or any(key == str(number) for number in numbers)
        if shadowed != old.shadowed:
            draft.put(
                key,
                ConnectionState(
                    follow=old.follow,
                    inbound=old.inbound,
                    outbound_at=old.outbound_at,
                    linked_at=old.linked_at,
                    profile=old.profile,
                    unsent=old.unsent,
                    shadowed=shadowed,
                ),
            )


def _delivering(draft: Draft, sent: Sent) -> Mark | None:
    """The message or follow that the change carried; other permissions (a postback) deliver nothing."""
    mark, permit = sent.trigger, draft.permit
    if mark is None or permit is None or permit.id != mark.id or permit.at != mark.at or permit.kind in TRIGGERS:
        return mark
    return None


def _asked(outcome: Outcome) -> str | None:
    return outcome.asked if outcome.asked is not None else outcome.contact


def _speaks_of(contact: str | None, outcome: Outcome) -> bool:
    """Is it about the linked contact, or, where one of the two names no id, about the friend?"""
    about = outcome.asked if outcome.result == "twin" else _asked(outcome)
    return contact is None or about is None or about == contact


def _code(outcome: Outcome) -> str | None:
    return None if outcome.reason is None else outcome.reason.code


def blocking_code(outcome: Outcome) -> str:
    """What a blocked friend waits for: HubSpot's code, and `parked:` before it where it may do what it did not do."""
    code = code_of(outcome)
    return f"{PARKED}:{code}" if outcome.result == PARKED and code != PARKED else code


def code_of(outcome: Outcome) -> str:
    """The code that says why HubSpot did not take a change."""
    reason = outcome.reason
    return (None if reason is None else reason.code or reason.category) or outcome.result
