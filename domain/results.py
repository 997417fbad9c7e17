"""What LINE answered, folded into one connection's registers.

Law: a profile that was not found never blanks a known name; what we sent clears Unanswered only if it says so, and at
LINE's time of it, never before the message that it answers.
"""

from domain.last_response import clean
from schemas.friends import ConnectionState, Profile
from schemas.results import MessageResult, ProfileResult, Result

_UNKNOWN_PROFILE = Profile()
_REACHED_LINE = frozenset({"sent", "already_sent"})


def fold_result(old: ConnectionState, result: Result) -> ConnectionState:
    """The registers after one answer of LINE's; the same object where nothing changed."""
    profile, outbound_at = old.profile, old.outbound_at
    if result.profile is not None:
        profile = _fold_profile(profile or _UNKNOWN_PROFILE, result.profile, result.at)
    if result.message is not None:
        outbound_at = _fold_message(outbound_at, result.message, result.at)
    if (profile is old.profile or profile is _UNKNOWN_PROFILE) and outbound_at == old.outbound_at:
        return old
    return ConnectionState(
        follow=old.follow,
        inbound=old.inbound,
        outbound_at=outbound_at,
        linked_at=old.linked_at,
        profile=profile,
        unsent=old.unsent,
        shadowed=old.shadowed,
    )


def _fold_profile(old: Profile, new: ProfileResult, at: int) -> Profile:
    if old.at is not None and at < old.at:
        return old
    if not new.found:
        found = Profile(name=old.name, picture=old.picture, found=False, at=at, wanted_at=old.wanted_at)
    else:
        name = clean(new.name or "") or old.name
        found = Profile(name=name, picture=clean(new.picture or ""), found=True, at=at, wanted_at=old.wanted_at)
    return old if found == old else found


def _fold_message(outbound_at: int | None, sent: MessageResult, at: int) -> int | None:
    if sent.result not in _REACHED_LINE or not sent.clears_unanswered:
        return outbound_at
    return max(at, sent.answers_at or 0, outbound_at or 0)
