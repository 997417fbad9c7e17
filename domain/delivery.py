"""What follows from HubSpot's answers: one change on its way to its contact.

Law: a step follows from the change and the answers alone. An existing contact is written by record id and nothing else;
a contact is created only where the change permits it; what HubSpot says about an id is never guessed from the order of
an answer. Pure: the sink makes the calls, DESIGN 4.4 is the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from domain.batch_answers import Found, ItemAnswer, ItemError
from domain.contact_properties import number_of, user_id_property
from domain.registers import TRIGGERS
from domain.retry import ITEM_TRIES
from schemas.changes import Change
from schemas.marks import Mark, Trigger
from schemas.outcomes import Answer, HubSpotRequest, Outcome, Reason

Step = Literal["update", "create", "look", "look_archived", "find"]
CALLS: Final[Mapping[Step, str]] = {
    "update": "batch/update",
    "create": "batch/create",
    "look": "batch/read",
    "look_archived": "batch/read",
    "find": "batch/read",
}
BIN_DAYS_TRUSTED: Final = 80
_TRUSTED_MS: Final = BIN_DAYS_TRUSTED * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A change and the step it needs next.

    `target` is the record to write or look at, `asked` the one that was asked for, `remembered` one that we wrote for
    this friend and the fold may not know yet, `path` how the target was found, `checked` whether its slots have been
    read. `tries` counts; `waits` and `alone` say how the next try is made.
    """

    change: Change
    step: Step
    target: str | None = None
    asked: str | None = None
    may_create: bool = False
    confirmed_at: int | None = None
    remembered: str | None = None
    path: Literal["linked", "merged", "adopted"] = "linked"
    shadowed: tuple[int, ...] = ()
    left_out: frozenset[int] = field(default_factory=frozenset)
    checked: bool = False
    tries: int = 1
    waits: bool = False
    alone: bool = False

    @property
    def trace(self) -> str:
        """The id that HubSpot repeats beside what it says about this change: the same at every try."""
        known_by = f"{self.change.friend}\n{self.change.revision}\n{self.change.digest}"
        return hashlib.sha256(known_by.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end of a delivery: what the outcome says."""

    delivery: Delivery
    result: Answer
    contact: str | None = None
    hubspot_at: int | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertiesMissing:
    """HubSpot does not know these properties: they must be made again, then the same step is repeated."""

    delivery: Delivery
    names: tuple[str, ...]


Next = Delivery | Finished | PropertiesMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What this sink remembers to have written for a friend: the record, when, and the newest trigger it carried."""

    contact: str
    at: int
    trigger: Mark | None = None


def begin(change: Change, written: Written | None = None) -> Delivery | Finished:
    """The first step of a change; a remembered write since the last erasure gives the id and uses up its trigger."""
    asked, confirmed, may_create = change.contact, change.confirmed_at, change.may_create is not None
    if written is not None and (change.erased_at is None or written.at > change.erased_at):
        if asked is None:
            asked, confirmed = written.contact, written.at
        may_create = change.may_create is not None and _is_unused(change.may_create, written.trigger)
    delivery = Delivery(
        change=change,
        step=("update" if change.properties else "look") if asked else "create",
        target=asked,
        asked=asked,
        may_create=may_create,
        confirmed_at=confirmed,
        remembered=None if written is None or written.contact == asked else written.contact,
    )
    if asked is None and not may_create:
        return _gone(delivery, "NOT_PERMITTED")
    return delivery


def _is_unused(permission: Trigger, used: Mark | None) -> bool:
    """Who has a remembered write has had a contact: only a message or follow newer than what it carried permits one."""
    newer = used is None or (permission.at, permission.id) > (used.at, used.id)
    return newer and permission.kind in TRIGGERS


def properties_to_write(delivery: Delivery) -> dict[str, str]:
    """The properties of the slots that are ours; a created contact also gets its email, an existing one never."""
    skipped = delivery.left_out.union(delivery.shadowed)
    kept = {name: text for name, text in delivery.change.properties.items() if number_of(name) not in skipped}
    return {"email": delivery.change.email.lower(), **kept} if delivery.step == "create" else kept


def after(delivery: Delivery, answer: ItemAnswer, *, now: int) -> Next:
    """What follows from HubSpot's answer to the delivery's step; `now` in ms."""
    if answer.error is not None:
        missing = _missing_properties(delivery, answer.error)
        if missing is not None:
            return missing
    if answer.unsure:
        return _again(delivery, Reason(code="UNATTRIBUTED"), alone=True)
    return _AFTER[delivery.step](delivery, answer, now)


def without_connections(delivery: Delivery, removed: frozenset[int]) -> Next:
    """The same step without the values of removed connections, whose properties may be gone."""
    return _ready_to_write(replace(delivery, left_out=delivery.left_out | removed))


def refused_too_often(delivery: Delivery, code: str) -> Finished:
    """Trouble of this one item that does not end: the sweep and the next change try again."""
    return _parked(delivery, Reason(code=code))


def outcome_of(finished: Finished, *, at: int, generation: int, status: int, correlation: str | None) -> Outcome:
    """The record that tells the fold; `at` in ms is after HubSpot's answer."""
    delivery, change = finished.delivery, finished.delivery.change
    wanted = change.may_create
    return Outcome(
        friend=change.friend,
        revision=change.revision,
        digest=change.digest,
        trigger=Mark(id=wanted.id, at=wanted.at) if wanted else None,
        first_act=wanted is not None and wanted.kind not in TRIGGERS,
        result=finished.result,
        contact=finished.contact,
        asked=delivery.asked,
        shadowed=() if finished.result in {"created", "gone", "erased"} else delivery.shadowed,
        at=at,
        hubspot_at=finished.hubspot_at,
        generation=generation,
        attempts=delivery.tries,
        request=HubSpotRequest(call=CALLS[delivery.step], status=status, trace=delivery.trace, correlation=correlation),
        reason=finished.reason,
    )


def _updated(delivery: Delivery, answer: ItemAnswer, now: int) -> Next:
    if answer.found is not None:
        return _wrote(delivery, answer.found)
    if answer.error is None or answer.error.not_found:
        return replace(delivery, step="look", alone=False, waits=False)
    return _refused(delivery, answer.error)


def _created(delivery: Delivery, answer: ItemAnswer, now: int) -> Next:
    if answer.found is not None:
        return Finished(
            delivery=delivery, result="created", contact=answer.found.id, hubspot_at=answer.found.created_at
        )
    error = answer.error
    if error is None:
        return _again(delivery, Reason(code="NO_ANSWER"), alone=True)
    if error.blocklisted:
        return Finished(delivery=delivery, result="erased", reason=error.reason)
    if error.conflict:
        known = replace(delivery, path="adopted", confirmed_at=now, checked=False, alone=False, waits=False)
        if error.existing is None:
            return replace(known, step="find", target=None)
        return replace(known, step="look", target=error.existing)
    return _refused(delivery, error)


def _looked(delivery: Delivery, answer: ItemAnswer, now: int) -> Next:
    found = answer.found
    if found is None:
        if answer.error is not None and not answer.error.not_found:
            return _refused(delivery, answer.error)
        return replace(delivery, step="look_archived", alone=False)
    if found.id == delivery.target and delivery.path == "linked":
        if not properties_to_write(delivery):
            return Finished(delivery=delivery, result="updated", contact=found.id)
        # Alive after all: HubSpot's update missed it. Bounded, for it may go on missing it.
        return _again(replace(delivery, step="update", confirmed_at=now), Reason(code="UPDATE_MISSED"))
    return _adopt(delivery, found, now)


def _looked_in_bin(delivery: Delivery, answer: ItemAnswer, now: int) -> Next:
    if answer.error is not None and not answer.error.not_found:
        return _refused(delivery, answer.error)
    if answer.found is None and _surely_not_in_bin(delivery, now):
        if delivery.path == "adopted":  # HubSpot named it a moment ago: perhaps its index is behind
            again = _again(replace(delivery, step="look"), Reason(code="NOWHERE"))
            return again if isinstance(again, Delivery) else _gone(delivery, "nowhere")
        return _gone(delivery, "nowhere")
    if delivery.may_create and delivery.remembered is not None:  # it was made since: write there, make no other
        return replace(delivery, step="look", target=delivery.remembered, remembered=None, path="merged", checked=False)
    if delivery.may_create:
        create = _to_create(delivery)
        return _again(create, Reason(code="CONFLICT")) if delivery.path == "adopted" else create
    return _gone(delivery, "archived", answer.found.archived_at if answer.found else None)


def _found_by_email(delivery: Delivery, answer: ItemAnswer, now: int) -> Next:
    if answer.found is not None:
        return _adopt(delivery, answer.found, now)
    if answer.error is not None and not answer.error.not_found:
        return _refused(delivery, answer.error)
    return _again(_to_create(delivery), Reason(category="CONFLICT", code="EXISTING_NOT_FOUND"))


_AFTER: Final = {
    "update": _updated,
    "create": _created,
    "look": _looked,
    "look_archived": _looked_in_bin,
    "find": _found_by_email,
}


def _adopt(delivery: Delivery, found: Found, now: int) -> Next:
    """Write to a contact that others may have made: a slot that names another friend is not ours."""
    slots = {number_of(name) for name in delivery.change.properties}
    shadowed = tuple(sorted(n for n in slots if n is not None and _is_of_another(delivery.change, n, found.properties)))
    known = replace(
        delivery,
        step="update",
        target=found.id,
        path="adopted" if delivery.path == "adopted" else "merged",
        shadowed=shadowed,
        confirmed_at=now,
        checked=True,
        waits=False,
        alone=False,
    )
    if delivery.checked:  # written before, and missed: bounded, for it may go on so
        again = _again(known, Reason(code="UPDATE_MISSED"))
        return _ready_to_write(again) if isinstance(again, Delivery) else again
    return _ready_to_write(known)


def _is_of_another(change: Change, number: int, found: Mapping[str, str | None]) -> bool:
    name = user_id_property(number)
    return bool(found.get(name)) and found[name] != change.properties.get(name, change.friend)


def _ready_to_write(delivery: Delivery) -> Next:
    """A contact of whose slots none is ours needs no call: it is linked, and shadowed altogether."""
    if delivery.step != "update" or properties_to_write(delivery):
        return delivery
    result: Answer = "updated" if delivery.path == "linked" else delivery.path
    return Finished(delivery=delivery, result=result, contact=delivery.target)


def _wrote(delivery: Delivery, found: Found) -> Finished:
    if found.id != delivery.target:
        return Finished(delivery=delivery, result="merged", contact=found.id, hubspot_at=found.updated_at)
    result: Answer = "updated" if delivery.path == "linked" else delivery.path
    return Finished(delivery=delivery, result=result, contact=found.id, hubspot_at=found.updated_at)


def _to_create(delivery: Delivery) -> Delivery:
    return replace(delivery, step="create", target=None, path="linked", shadowed=(), checked=False, alone=False)


def _surely_not_in_bin(delivery: Delivery, now: int) -> bool:
    """The bin keeps 90 days: what was alive lately and is in neither place left it early, by a person's erasure."""
    return delivery.confirmed_at is not None and now - delivery.confirmed_at < _TRUSTED_MS


def _refused(delivery: Delivery, error: ItemError) -> Next:
    if error.invalid:
        return Finished(delivery=delivery, result="rejected", contact=delivery.target, reason=error.reason)
    return _again(delivery, error.reason)


def _missing_properties(delivery: Delivery, error: ItemError) -> PropertiesMissing | None:
    if "PROPERTY_DOESNT_EXIST" not in error.codes:
        return None
    ours = tuple(name for name in error.properties if number_of(name) is not None)
    return PropertiesMissing(delivery=delivery, names=ours) if ours else None


def _again(delivery: Delivery, reason: Reason, *, alone: bool | None = None) -> Next:
    if delivery.tries > ITEM_TRIES:
        return _parked(delivery, reason)
    return replace(delivery, tries=delivery.tries + 1, waits=True, alone=delivery.alone if alone is None else alone)


def _parked(delivery: Delivery, reason: Reason) -> Finished:
    return Finished(delivery=delivery, result="parked", contact=delivery.target, reason=reason)


def _gone(delivery: Delivery, code: str, archived_at: int | None = None) -> Finished:
    return Finished(delivery=delivery, result="gone", hubspot_at=archived_at, reason=Reason(code=code))
