"""One turn: all records of one friend out of one run, folded in order, then settled once.

Law: pure and deterministic; the state's revision grows by one in a turn that changes it; at most one change comes out,
and one decision for every record that was folded. The decisions:

| decision | said of |
|---|---|
| `duplicate` | an outcome or result at or below the state's `read` |
| `older` | a message, follow, unfollow, import, unsend or profile that changed no register |
| `erased` | a record of an erased friend, or of before the erasure; and the record that erased |
| `no_friend` | an event of a group, a room or nobody (`no_friend_decision`) |
| what settling decided | every other record of the turn, hence the last that moved anything: |
| - `changed` | a change was emitted to close a gap |
| - `rewritten` | the same content was emitted again: HubSpot is known to hold something else |
| - `waiting` | a change is open; settled again when it is answered |
| - `not_permitted` | there is no live contact and nothing permits one; `id_too_long`: none is possible |
| - `blocked` | HubSpot refused this content before; `code` says why, `unstable`: the loop guard |
| - `shadowed` | the contact is in place but for slots that belong to another friend |
| - `same` | the contact is in place |
| - `settled` | the contact is in place, said of an outcome or result |

An event whose time cannot be true is not folded: it is a dead letter, without a decision.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.draft import Draft, freeze, thaw
from domain.event_time import event_time
from domain.events import Effect, fold_event, note_profile_wanted, wants_profile
from domain.last_response import UNKNOWN, name_of_kind
from domain.outcomes import code_of, fold_outcome
from domain.policy import FoldPolicy
from domain.registers import NEVER_SEEN
from domain.results import fold_result
from domain.settle import Verdict, settle, standing
from schemas.changes import Change
from schemas.dead_letters import ReasonCode
from schemas.decisions import Because, Decision, DecisionRecord
from schemas.events import EventRecord, event_id
from schemas.friends import FriendState, Last, Read
from schemas.marks import Cause
from schemas.outcomes import Outcome, outcome_id
from schemas.requests import Request, request_id
from schemas.results import Result
from schemas.topics import EVENTS

_ORDERS = {"erase": "operator", "resync": "operator", "imported": "import"}  # kinds of ours, not LINE's


class Incoming(msgspec.Struct, frozen=True):
    """One decoded record and where it stands."""

    topic: str
    partition: int
    offset: int
    record: EventRecord | Result | Outcome


class Turn(msgspec.Struct, frozen=True):
    """What a turn ends in; `state` is None where there is nothing to persist."""

    state: FriendState | None
    changes: list[Change]
    requests: list[Request]
    decisions: list[DecisionRecord]
    dead: list[tuple[Incoming, ReasonCode]]


class _Note(msgspec.Struct, frozen=True):
    """What became of one record; `result` and `code` are an outcome's."""

    cause: Cause
    effect: Effect
    connection: int | None = None
    result: str | None = None
    code: str | None = None


def friend_of(event: dict[str, Any]) -> str | None:
    """The friend that an event speaks about: the user of a one-to-one source, any form of id; None for all others."""
    source = event.get("source")
    if not isinstance(source, dict) or source.get("type") != "user":
        return None
    friend = source.get("userId")
    return friend if isinstance(friend, str) and friend else None


def no_friend_decision(item: Incoming, now: int) -> DecisionRecord:
    """The decision about an event of a group, a room or nobody."""
    record = item.record
    if not isinstance(record, EventRecord):
        raise TypeError("only events can be without a friend")
    cause = _cause(item, event_id(record.connection, record.event), kind_of(record))
    return DecisionRecord(connection=record.connection, at=now, cause=cause, decision="no_friend")


def turn(friend: str, state: FriendState | None, items: Sequence[Incoming], *, now: int, policy: FoldPolicy) -> Turn:
    """Fold all of `items`, settle once. `now` (ms) stamps what is emitted and decides nothing but the loop guard."""
    draft = thaw(friend, state)
    notes: list[_Note] = []
    requests: list[Request] = []
    dead: list[tuple[Incoming, ReasonCode]] = []
    for item in items:
        record = item.record
        if isinstance(record, EventRecord):
            note = _take_event(draft, item, record, requests, now, policy)
            if note is None:
                dead.append((item, "implausible_time"))
                continue
        elif isinstance(record, Outcome):
            note = _take_outcome(draft, item, record)
        else:
            note = _take_result(draft, item, record)
        notes.append(note)
    if draft.touched:
        causes = [note.cause for note in notes if note.effect == "moved"]
        verdict = settle(draft, causes, now=now, policy=policy)
        draft.revision += 1
    else:
        verdict = standing(draft)
    decisions = _decisions(draft, notes, verdict, now)
    changes = [] if verdict.change is None else [verdict.change]
    if not draft.touched:
        return Turn(None, changes, requests, decisions, dead)
    last = Last(decision=decisions[-1].decision, cause=decisions[-1].cause.id, at=now) if decisions else None
    return Turn(freeze(draft, last), changes, requests, decisions, dead)


def _take_event(
    draft: Draft, item: Incoming, record: EventRecord, requests: list[Request], now: int, policy: FoldPolicy
) -> _Note | None:
    event, number = record.event, record.connection
    identity = event_id(number, event)
    at = event_time(event, identity, record.received_at)
    if at is None:
        return None
    kind = kind_of(record)
    effect = fold_event(draft, record, kind, identity, at, policy)
    if effect != "erased" and wants_profile(draft, record, kind, policy):
        note_profile_wanted(draft, record)
        requests.append(
            Request(
                id=request_id(number, draft.friend, identity),
                kind="profile",
                friend=draft.friend,
                connection=number,
                requested_at=now,
                cause=identity,
            )
        )
    return _Note(_cause(item, identity, kind), effect, number)


def _take_outcome(draft: Draft, item: Incoming, outcome: Outcome) -> _Note:
    read = draft.read
    effect: Effect = "duplicate"
    if item.offset > read.outcomes:
        effect = fold_outcome(draft, outcome)
        if effect == "moved" or draft.contact.status != "erased":
            draft.read = Read(outcomes=item.offset, results=read.results)
            draft.touched = True
    code = None if outcome.reason is None else code_of(outcome)
    return _Note(_cause(item, outcome_id(outcome), outcome.result), effect, None, outcome.result, code)


def _take_result(draft: Draft, item: Incoming, result: Result) -> _Note:
    cause = _cause(item, result.request, result.kind)
    read = draft.read
    if item.offset <= read.results:
        return _Note(cause, "duplicate", result.connection)
    if draft.contact.status == "erased":
        return _Note(cause, "erased", result.connection)
    draft.read = Read(outcomes=read.outcomes, results=item.offset)
    draft.touched = True
    asked_at = result.requested_at
    if draft.erased_at is not None and (asked_at is None or asked_at <= draft.erased_at):
        return _Note(cause, "erased", result.connection)
    key = str(result.connection)
    known = draft.connections.get(key, NEVER_SEEN)
    registers = fold_result(known, result)
    if registers is known:
        return _Note(cause, "older" if result.kind == "profile" else "idle", result.connection)
    draft.put(key, registers)
    return _Note(cause, "moved", result.connection)


def _decisions(draft: Draft, notes: list[_Note], verdict: Verdict, now: int) -> list[DecisionRecord]:
    because = _because(draft, verdict.code, None)
    decisions = []
    for note in notes:
        effect = note.effect
        decision: Decision = verdict.decision if effect == "moved" or effect == "idle" else effect
        if decision == "same" and note.cause.topic != EVENTS.name:
            decision = "settled"
        why = because if note.result is None else _because(draft, verdict.code or note.code, note.result)
        decisions.append(
            DecisionRecord(
                friend=draft.friend,
                connection=note.connection,
                at=now,
                cause=note.cause,
                decision=decision,
                revision=draft.revision,
                because=why,
            )
        )
    return decisions


def _because(draft: Draft, code: str | None, result: str | None) -> Because:
    contact, trigger, delivered = draft.contact, draft.trigger, draft.delivered
    return Because(
        contact=contact.status,
        since=contact.at,
        trigger=None if trigger is None else trigger.id,
        delivered=None if delivered is None else delivered.id,
        code=code,
        result=result,
    )


def kind_of(record: EventRecord) -> str:
    """LINE's word for the event; orders and imports count only from whom they may come."""
    kind = name_of_kind(record.event.get("type"))
    return UNKNOWN if _ORDERS.get(kind, record.origin) != record.origin else kind


def _cause(item: Incoming, identity: str, kind: str) -> Cause:
    return Cause(id=identity, kind=kind, topic=item.topic, partition=item.partition, offset=item.offset)
