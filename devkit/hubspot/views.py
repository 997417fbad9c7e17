"""How a contact looks in an answer. Reads leave unknown names out and show empty values as null."""

from collections.abc import Iterable

from devkit.hubspot.answers import Json
from devkit.hubspot.contacts import Contact
from devkit.hubspot.instants import iso
from devkit.hubspot.schema import Schema

BASICS = ("createdate", "hs_object_id", "lastmodifieddate")
DEFAULTS = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
CREATED = (*BASICS, "hs_all_contact_vids", "hs_email_domain", "hs_is_contact", "hs_object_source", "lifecyclestage")


def shown_names(schema: Schema, wanted: Iterable[str]) -> list[str]:
    """Return the property names a read shows: the wanted ones that exist and the basics, or the defaults."""
    names = set(wanted)
    return sorted((names | set(BASICS)) & schema.active.keys()) if names else list(DEFAULTS)


def record(contact: Contact, names: Iterable[str]) -> Json:
    """Return a contact with these properties."""
    stored = contact.properties
    shown: Json = {
        "id": contact.id,
        "properties": {name: stored.get(name) for name in names},
        "createdAt": iso(contact.created_at),
        "updatedAt": iso(contact.updated_at),
        "archived": contact.archived_at is not None,
    }
    if contact.archived_at is not None:
        shown["archivedAt"] = iso(contact.archived_at)
    return shown


def written(contact: Contact, touched: Iterable[str], *, created: bool, trace: str | None = None) -> Json:
    """Return a contact as a write answers it: what was touched plus basics, on creation some read-only ones too."""
    echoed = CREATED if created else BASICS
    names = dict.fromkeys([*touched, *echoed])
    shown = record(contact, [name for name in names if name in contact.properties or name not in CREATED])
    if trace is not None:
        shown["objectWriteTraceId"] = trace
    return shown
