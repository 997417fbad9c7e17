"""What a replay of a dead letter would do, and why it does nothing where it may do nothing.

Law: a record goes back to the topic and partition it came from and takes the normal way; nobody is asked to write what
only its owner writes. What could bring an old state back is never sent again: an old change is settled anew from the
state, and so is an old outcome unless the change that it answers is still the open one.
"""

from typing import Any, Literal

from domain.dead_letters import UNKNOWN, Letter
from domain.event_time import event_time
from domain.turn import friend_of
from schemas import topics
from schemas.changes import read_change
from schemas.codec import Record, Unreadable
from schemas.events import EventRecord, event_id, read_event_record
from schemas.friends import FriendState
from schemas.outcomes import Outcome, read_outcome
from schemas.requests import Request, read_request
from schemas.results import read_result

# put_back = the same bytes; read_again = a webhook goes through the ingress' parser; settle_anew = from the state
Action = Literal["put_back", "read_again", "settle_anew", "refused"]

_READERS = {
    topics.EVENTS.name: read_event_record,
    topics.REQUESTS.name: read_request,
    topics.RESULTS.name: read_result,
    topics.OUTCOMES.name: read_outcome,
    topics.CHANGES.name: read_change,
}


class Fate(Record, frozen=True, kw_only=True):
    """What would be done; `code` says why not, or what would most likely become of it (a reason of dead letters)."""

    action: Action
    code: str | None = None
    says: str


def refused(code: str, says: str) -> Fate:
    """Nothing can be done, for this reason."""
    return Fate(action="refused", code=code, says=says)


def fate_of(letter: Letter, value: bytes | None, row: FriendState | None, *, now: int) -> Fate:
    """What a replay of the letter would do; `row` = the state under its key, if there is one."""
    if letter.settled is not None:
        return refused("settled", f"it was {letter.settled.outcome} already")
    if letter.topic == UNKNOWN:
        return refused("no_origin", "its headers do not say where it came from")
    if letter.stage == "ingress":
        return Fate(action="read_again", says="its webhook is read again as the ingress reads it")
    if letter.topic not in _READERS:
        return refused("protected", f"{letter.topic} is written by its owner alone")
    if row is not None and row.erased_at is not None and letter.at <= row.erased_at:
        return refused("erased", "its friend has been erased since: nothing of before is folded")
    if letter.topic == topics.CHANGES.name:
        return _settled_anew(row, "an old change is never sent again")
    if value is None:
        return refused("no_value", f"it was too large to keep: only {letter.topic} itself may still have it")
    return _fate_of_record(letter, value, row, now)


def _fate_of_record(letter: Letter, value: bytes, row: FriendState | None, now: int) -> Fate:
    try:
        record: Any = _READERS[letter.topic](value)
    except Unreadable:
        if letter.topic == topics.OUTCOMES.name:
            return _settled_anew(row, "nobody can read what HubSpot answered")
        return _put_back(letter, "unreadable")
    friend = friend_of(record.event) if isinstance(record, EventRecord) else record.friend
    if friend is not None and letter.key != friend.encode():
        return refused(
            "key_mismatch",
            "its key is not the friend it speaks about: the key chose the partition, and that friend's state is not "
            "there. Only whoever wrote it can write it with the right key",
        )
    if isinstance(record, Outcome) and not _answers_open(record, row):
        return _settled_anew(row, "it answers no open change any more")
    if isinstance(record, Request) and record.kind == "message" and _too_late(record, now):
        return refused("too_late", "it is a message to a person, and has no moment in the future until which it counts")
    if isinstance(record, EventRecord):
        when = event_time(record.event, event_id(record.connection, record.event), record.received_at)
        return _put_back(letter, "implausible_time" if when is None else None)
    return _put_back(letter, None)


def _put_back(letter: Letter, expected: str | None) -> Fate:
    says = f"it goes back to {letter.topic}, partition {letter.origin_partition}"
    if expected is None:
        return Fate(action="put_back", says=says)
    return Fate(action="put_back", code=expected, says=f"{says}; as it is, it becomes a new dead letter ({expected})")


def _settled_anew(row: FriendState | None, why: str) -> Fate:
    if row is None:
        return refused("no_state", f"{why}, and no state is kept under its key to settle anew")
    return Fate(action="settle_anew", says=f"{why}: its friend is settled anew from the state (resync)")


def _answers_open(outcome: Outcome, row: FriendState | None) -> bool:
    sent = None if row is None else row.sent
    if sent is None or outcome.read_at is not None:
        return False
    return (outcome.revision, outcome.digest, outcome.trigger) == (sent.revision, sent.digest, sent.trigger)


def _too_late(request: Request, now: int) -> bool:
    message = request.message
    return message is None or message.not_after is None or message.not_after <= now
