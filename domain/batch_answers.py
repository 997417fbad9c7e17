"""What HubSpot says about the inputs of one batch, and whose answer each part of it is.

Law: size and order of an answer prove nothing. A part belongs to an input by its objectWriteTraceId, else by an id
that both name; what belongs to nobody makes the unanswered inputs unsure, never guilty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.quota import Limits
from schemas.outcomes import Reason

_INVALID = frozenset({"VALIDATION_ERROR", "INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST"})
_MERGED_INTO = ("hs_merged_object_ids", "hs_calculated_merged_vids", "hs_all_contact_vids")
READ_WITH = ("email", "hs_additional_emails", *_MERGED_INTO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A contact in an answer; times in ms."""

    id: str
    properties: Mapping[str, str | None] = field(default_factory=dict)
    trace: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    archived_at: int | None = None

    @property
    def emails(self) -> frozenset[str]:
        """Primary and additional addresses, lower-cased."""
        extra = (self.properties.get("hs_additional_emails") or "").split(";")
        every = [self.properties.get("email") or "", *extra]
        return frozenset(email.strip().lower() for email in every if email.strip())

    @property
    def swallowed(self) -> frozenset[str]:
        """Ids of the records that were merged into this one (`id` or `id:time`, separated by semicolons)."""
        listed = ";".join(self.properties.get(name) or "" for name in _MERGED_INTO).split(";")
        return frozenset(part.partition(":")[0].strip() for part in listed if part.strip()) - {self.id}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemError:
    """Why HubSpot refused some inputs, or a whole batch: codes and names, never values."""

    category: str | None = None
    codes: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    existing_ids: tuple[str, ...] = ()
    blocklisted: bool = False

    @property
    def not_found(self) -> bool:
        return self.category == "OBJECT_NOT_FOUND"

    @property
    def conflict(self) -> bool:
        return self.category in {"CONFLICT", "OBJECT_ALREADY_EXISTS"}

    @property
    def invalid(self) -> bool:
        """Whether repeating the same values is pointless."""
        return self.category in _INVALID or not _INVALID.isdisjoint(self.codes)

    @property
    def existing(self) -> str | None:
        """The record that is in the way; None when the error speaks about several inputs, for order proves nothing."""
        return self.existing_ids[0] if len(self.existing_ids) == 1 and len(self.traces) <= 1 else None

    @property
    def reason(self) -> Reason:
        return Reason(
            category=self.category,
            code=self.codes[0] if self.codes else None,
            property=self.properties[0] if self.properties else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAnswer:
    """What an answer says about one input: found, an error, nothing at all, or nothing sure."""

    found: Found | None = None
    error: ItemError | None = None
    unsure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer:
    """One answer of a batch call."""

    status: int
    found: tuple[Found, ...] = ()
    errors: tuple[ItemError, ...] = ()
    correlation: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One input as it can be recognised in an answer: `id` where the call named one, `email` where it did."""

    trace: str
    id: str | None = None
    email: str | None = None


def share(answer: BatchAnswer, inputs: Sequence[Asked], *, traced: bool) -> list[ItemAnswer]:
    """The part of the answer that belongs to each input, in the order of the inputs.

    `traced`: the call carried trace ids (writes); a read has none, and may give a survivor for a merged id.
    """
    found = _found_by_input(answer, inputs)
    errors = [_error_of(one, answer.errors, traced=traced) for one in inputs]
    open_inputs = [i for i in range(len(inputs)) if found[i] is None and errors[i] is None]
    taken = {contact.id for contact in found if contact is not None}
    left = [contact for contact in answer.found if contact.id not in taken]
    stray = any(not _belongs(error, inputs, traced=traced) for error in answer.errors)
    if left and len(left) == len(open_inputs) == 1 and not stray:
        found[open_inputs[0]], left, open_inputs = left[0], [], []
    if stray and len(open_inputs) == 1 and not left:
        errors[open_inputs[0]] = next(e for e in answer.errors if not _belongs(e, inputs, traced=traced))
        open_inputs = []
    unsure = set(open_inputs) if left or stray else set()
    return [ItemAnswer(found=found[i], error=errors[i], unsure=i in unsure) for i in range(len(inputs))]


def _found_by_input(answer: BatchAnswer, inputs: Sequence[Asked]) -> list[Found | None]:
    by_trace = {contact.trace: contact for contact in answer.found if contact.trace}
    by_id = {contact.id: contact for contact in answer.found}
    by_old_id = {old: contact for contact in answer.found for old in contact.swallowed}
    by_email = {email: contact for contact in answer.found for email in contact.emails}
    return [
        by_trace.get(one.trace)
        or (by_id.get(one.id) or by_old_id.get(one.id) if one.id else None)
        or (by_email.get(one.email) if one.email and not one.id else None)
        for one in inputs
    ]


def _names(one: Asked, error: ItemError) -> bool:
    return (one.id is not None and one.id in error.ids) or (
        one.email is not None and one.email in {named.lower() for named in error.ids}
    )


def _error_of(one: Asked, errors: Sequence[ItemError], *, traced: bool) -> ItemError | None:
    named = [error for error in errors if one.trace in error.traces] if traced else []
    return next(iter(named), None) or next((error for error in errors if _names(one, error)), None)


def _belongs(error: ItemError, inputs: Sequence[Asked], *, traced: bool) -> bool:
    return any((traced and one.trace in error.traces) or _names(one, error) for one in inputs)
