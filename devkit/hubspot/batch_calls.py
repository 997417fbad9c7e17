"""The batch calls on contacts.

Laws: a failing item without trace id fails the whole request and nothing is written; with one it becomes an entry of
`errors` in a 207. Results come in any order. Missing ids are one grouped error; a merged-away id is missing in silence.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from devkit.hubspot.answers import Answer, Json, Refusal, invalid
from devkit.hubspot.call import Call, property_values, text_field, text_list
from devkit.hubspot.contact_calls import find, not_unique
from devkit.hubspot.contacts import Contact
from devkit.hubspot.instants import iso
from devkit.hubspot.portal import Portal
from devkit.hubspot.validation import ADDITIONAL, not_valid
from devkit.hubspot.values import Problem, normal_email
from devkit.hubspot.views import record, shown_names, written

Planned = TypeVar("Planned")


@dataclass(frozen=True, slots=True)
class Item:
    """One input of a batch write."""

    id: str
    id_property: str
    trace: str | None
    properties: dict[str, str]


class Missing(Exception):
    """The input names a contact that is not there."""


def answer_batch(status: int, results: list[Json], errors: list[Json], now: int) -> Answer:
    """Return the envelope of a batch: 207 as soon as there is an error; `numErrors` counts groups."""
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": iso(now), "completedAt": iso(now)}
    if errors:
        return Answer(207, {**body, "numErrors": len(errors), "errors": errors})
    return Answer(status, body)


def read(portal: Portal, call: Call) -> Answer:
    """POST batch/read: by id (through merges), e-mail or unique property; only archived ones with `archived=true`."""
    body = call.document()
    id_property = text_field(body, "idProperty")
    keys = [text_field(item, "id") for item in call.inputs()]
    refuse_duplicates(keys)
    names = shown_names(portal.schema, text_list(body, "properties"))
    found: dict[str, Contact] = {}
    missing = []
    for key in keys:
        contact = find(portal, key, id_property, archived=call.flag("archived"))
        if contact is None:
            missing.append(key)
        else:
            found[contact.id] = contact
    results = shuffled(portal, [record(contact, names) for contact in found.values()])
    return answer_batch(200, results, [not_found_group(missing, [])] if missing else [], call.now)


def create(portal: Portal, call: Call) -> Answer:
    """POST batch/create."""
    claimed: set[str] = set()

    def plan(item: Item) -> dict[str, str]:
        values = portal.check(item.properties, creating=True)
        portal.check_free(values)
        emails = {values.get("email", ""), *values.get(ADDITIONAL, "").split(";")} - {""}
        if item.trace is None and emails & claimed:
            raise Refusal(409, {"status": "error", "message": "Contact already exists", "category": "CONFLICT"})
        claimed.update(emails)
        return values

    def apply(item: Item, values: dict[str, str]) -> Json:
        return written(portal.create(values, call.now), values, created=True, trace=item.trace)

    return write(portal, call, 201, read_items(call), plan, apply)


def update(portal: Portal, call: Call) -> Answer:
    """POST batch/update: by record id or a unique property, never by e-mail."""
    items = read_items(call)
    for item in items:
        if item.id_property and not portal.contacts.is_unique(item.id_property):
            raise not_unique(item.id_property, "update/upsert")
    refuse_duplicates(item.id for item in items)
    reachable = [item for item in items if not _ignored(portal, item)]

    def plan(item: Item) -> tuple[Contact, dict[str, str]]:
        by_unique = portal.contacts.by_unique(item.id_property, item.id)
        contact = by_unique if item.id_property else portal.contacts.active(item.id)
        if contact is None:
            raise Missing
        return contact, portal.check(item.properties, creating=False)

    def apply(item: Item, planned: tuple[Contact, dict[str, str]]) -> Json:
        contact, values = planned
        portal.update(contact, values, call.now)
        return written(contact, values, created=False, trace=item.trace)

    return write(portal, call, 200, reachable, plan, apply)


def upsert(portal: Portal, call: Call) -> Answer:
    """POST batch/upsert: by e-mail (primary or additional) or a unique property, given per input."""
    items = read_items(call)
    for item in items:
        if item.id_property != "email" and not portal.contacts.is_unique(item.id_property):
            raise not_unique(item.id_property or "hs_object_id", "update/upsert")
    holders = [find(portal, item.id, item.id_property) for item in items]
    refuse_duplicates(holder.id if holder else item.id.lower() for item, holder in zip(items, holders, strict=True))

    def plan(item: Item) -> tuple[Contact | None, dict[str, str]]:
        contact = find(portal, item.id, item.id_property)
        if contact is not None:
            return contact, portal.check(item.properties, creating=False)
        key = _email_key(item.id) if item.id_property == "email" else item.id
        values = portal.check({item.id_property: key, **item.properties}, creating=True)
        portal.check_free(values)
        return None, values

    def apply(item: Item, planned: tuple[Contact | None, dict[str, str]]) -> Json:
        contact, values = planned
        created = contact is None
        if contact is None:
            contact = portal.create(values, call.now)
        else:
            portal.update(contact, values, call.now)
        return {**written(contact, values, created=created, trace=item.trace), "new": created}

    return write(portal, call, 200, items, plan, apply)


def archive(portal: Portal, call: Call) -> Answer:
    """POST batch/archive: always 204, unknown ids too."""
    for item in call.inputs():
        contact = portal.contacts.active(text_field(item, "id"))
        if contact is not None:
            portal.archive(contact, call.now)
    return Answer(204)


def write(
    portal: Portal,
    call: Call,
    status: int,
    items: list[Item],
    plan: Callable[[Item], Planned],
    apply: Callable[[Item, Planned], Json],
) -> Answer:
    """Plan every item, refuse the request if an item without trace id is wrong, then write the rest."""
    planned: list[tuple[Item, Planned]] = []
    missing: list[Item] = []
    errors: list[Json] = []
    for item in items:
        try:
            planned.append((item, plan(item)))
        except Missing:
            missing.append(item)
        except Refusal as refusal:
            if item.trace is None:
                raise
            errors.append(refusal.item(item.trace))
    results = []
    for item, what in planned:
        try:
            results.append(apply(item, what))
        except Refusal as refusal:
            errors.append(refusal.item(item.trace))
    if missing:
        traces = [item.trace for item in missing if item.trace is not None]
        errors.append(not_found_group([item.id for item in missing], traces))
    return answer_batch(status, shuffled(portal, results), errors, call.now)


def read_items(call: Call) -> list[Item]:
    """Return the inputs of a batch write; raises the 400 on values that are no texts."""
    return [
        Item(
            text_field(given, "id"),
            text_field(given, "idProperty"),
            text_field(given, "objectWriteTraceId") or None,
            property_values(given),
        )
        for given in call.inputs()
    ]


def refuse_duplicates(keys: Iterable[str]) -> None:
    """Raise the 400 for the whole batch when a key is there twice."""
    ids = [key for key, count in Counter(keys).items() if count > 1]
    if ids:
        message = f"Duplicate IDs found in batch input: [{', '.join(ids)}]. IDs must be unique"
        raise invalid(message, context={"ids": ids})


def not_found_group(ids: list[str], traces: list[str]) -> Json:
    """Return the one error that names every missing id."""
    context: dict[str, Any] = {"ids": ids}
    if traces:
        context["objectWriteTraceId"] = traces
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
        "context": context,
    }


def shuffled(portal: Portal, results: list[Json]) -> list[Json]:
    """Return the results in an order that has nothing to do with the inputs."""
    portal.random.shuffle(results)
    return results


def _ignored(portal: Portal, item: Item) -> bool:
    """Say whether HubSpot drops this update without a word: a merged-away id, or an id that is no number."""
    if item.id_property or not item.id:
        return False
    return not item.id.isdecimal() or (item.id in portal.contacts.forwards and portal.resolve(item.id) is not None)


def _email_key(value: str) -> str:
    try:
        return normal_email(value)
    except Problem as problem:
        raise not_valid([problem]) from None
