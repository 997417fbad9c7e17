"""The calls about one contact, and the list."""

from itertools import islice

from devkit.hubspot.answers import Answer, invalid, not_found
from devkit.hubspot.call import Call, property_values, text_field
from devkit.hubspot.contacts import Contact
from devkit.hubspot.portal import Portal
from devkit.hubspot.views import record, shown_names, written

PAGE_LIMIT = 100


def find(portal: Portal, key: str, id_property: str, *, archived: bool = False) -> Contact | None:
    """Return the contact behind an id (through merges), an e-mail in any place, or a unique value.

    Archived contacts are found by id only: HubSpot does not say what happens with other keys.
    """
    if id_property in ("", "hs_object_id"):
        return portal.contacts.archived(portal.contacts.resolve(key)) if archived else portal.resolve(key)
    if id_property == "email":
        return None if archived else portal.contacts.by_email(key)
    if not portal.contacts.is_unique(id_property):
        raise not_unique(id_property, "read")
    return None if archived else portal.contacts.by_unique(id_property, key)


def not_unique(name: str, act: str) -> Exception:
    """Return the 400 for a property that identifies nothing."""
    return invalid(f"Unable to perform {act} by non-unique 0-1 property {name}")


def read(portal: Portal, call: Call) -> Answer:
    """GET one."""
    contact = find(portal, call.params[0], call.text("idProperty"), archived=call.flag("archived"))
    if contact is None:
        raise not_found()
    return Answer(200, record(contact, shown_names(portal.schema, call.names("properties"))))


def create(portal: Portal, call: Call) -> Answer:
    """POST one."""
    given = property_values(call.document())
    if not any(given.get(name) for name in ("email", "firstname", "lastname")):
        raise invalid("Error creating CONTACT: one of the properties email, firstname or lastname is required.")
    values = portal.check(given, creating=True)
    contact = portal.create(values, call.now)
    return Answer(201, written(contact, values, created=True))


def update(portal: Portal, call: Call) -> Answer:
    """PATCH one."""
    contact = find(portal, call.params[0], call.text("idProperty"))
    if contact is None:
        raise not_found()
    values = portal.check(property_values(call.document()), creating=False)
    portal.update(contact, values, call.now)
    return Answer(200, written(contact, values, created=False))


def archive(portal: Portal, call: Call) -> Answer:
    """DELETE one; an id that is not there is no error."""
    contact = portal.contacts.active(call.params[0])
    if contact is not None:
        portal.archive(contact, call.now)
    return Answer(204)


def listing(portal: Portal, call: Call) -> Answer:
    """GET the list, active or archived, in the order of ids."""
    limit = call.number("limit", 10, PAGE_LIMIT)
    after = call.text("after") or "0"
    if not after.isdecimal():
        raise invalid(f"Invalid value '{after}' for 'after'")
    names = shown_names(portal.schema, call.names("properties"))
    walk = portal.contacts.after(int(after), archived=call.flag("archived"))
    page = list(islice(walk, limit + 1))
    body: dict[str, object] = {"results": [record(contact, names) for contact in page[:limit]]}
    if len(page) > limit:
        body["paging"] = {"next": {"after": page[limit - 1].id, "link": f"?after={page[limit - 1].id}"}}
    return Answer(200, body)


def merge(portal: Portal, call: Call) -> Answer:
    """POST merge: answers the survivor, whose id may be a new one."""
    body = call.document()
    primary, other = text_field(body, "primaryObjectId"), text_field(body, "objectIdToMerge")
    if not primary or not other:
        raise invalid("Some required fields were not set: [primaryObjectId, objectIdToMerge]")
    survivor = portal.merge(primary, other, call.now)
    return Answer(200, record(survivor, shown_names(portal.schema, ["email", "hs_merged_object_ids"])))


def gdpr_delete(portal: Portal, call: Call) -> Answer:
    """POST gdpr-delete: an e-mail that nobody has is blocked instead."""
    body = call.document()
    key, id_property = text_field(body, "objectId"), text_field(body, "idProperty")
    contact = find(portal, key, id_property)
    if contact is None and id_property in ("", "hs_object_id"):
        contact = find(portal, key, "", archived=True)
    if contact is not None:
        portal.erase(contact, call.now)
    elif id_property == "email":
        portal.blocked_emails.add(key.lower())
    else:
        raise not_found()
    return Answer(204)
