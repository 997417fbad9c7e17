"""POST search: eventually consistent, active contacts only, additional e-mails only through their own property."""

from devkit.hubspot.answers import Answer, Json, invalid, malformed
from devkit.hubspot.call import Call, text_field, text_list
from devkit.hubspot.contacts import Contact
from devkit.hubspot.portal import Portal
from devkit.hubspot.schema import Schema
from devkit.hubspot.search_filters import Test, comparable, compiled
from devkit.hubspot.views import record, shown_names

PAGE_LIMIT = 200
RESULT_LIMIT = 10_000
QUERY_LIMIT = 3_000
GROUP_LIMIT, FILTER_LIMIT, ALL_FILTERS_LIMIT = 5, 6, 18
_TEXT_SEARCHED = ("email", "firstname", "lastname", "phone", "company")


def search(portal: Portal, call: Call) -> Answer:
    """Answer the page of contacts that the index shows by now."""
    body = call.document()
    limit, start = _page(body)
    groups = _groups(portal.schema, body)
    query = text_field(body, "query").lower()
    if len(query) > QUERY_LIMIT:
        raise invalid(f"The query is longer than {QUERY_LIMIT} characters")
    hits = [contact for contact in portal.index.visible() if _matches(contact, groups, query)]
    _sort(portal.schema, hits, body)
    names = shown_names(portal.schema, text_list(body, "properties"))
    found: Json = {
        "total": len(hits),
        "results": [record(contact, names) for contact in hits[start : start + limit]],
    }
    if start + limit < len(hits):
        found["paging"] = {"next": {"after": str(start + limit)}}
    return Answer(200, found)


def _page(body: Json) -> tuple[int, int]:
    limit, after = text_field(body, "limit") or "10", text_field(body, "after") or "0"
    if not limit.isdecimal() or not 0 < int(limit) <= PAGE_LIMIT:
        raise invalid(f"limit must be between 1 and {PAGE_LIMIT}")
    if not after.isdecimal():
        raise invalid(f"Invalid value '{after}' for 'after'")
    if int(after) + int(limit) > RESULT_LIMIT:
        raise invalid(f"A search cannot go beyond {RESULT_LIMIT} results")
    return int(limit), int(after)


def _groups(schema: Schema, body: Json) -> list[list[Test]]:
    given = body.get("filterGroups") or []
    if not isinstance(given, list) or not all(isinstance(group, dict) for group in given):
        raise malformed("Cannot deserialize the list `filterGroups`")
    filters = [group.get("filters") or [] for group in given]
    if len(given) > GROUP_LIMIT or sum(map(len, filters)) > ALL_FILTERS_LIMIT:
        raise invalid(f"At most {GROUP_LIMIT} filter groups and {ALL_FILTERS_LIMIT} filters are allowed")
    if any(len(group) > FILTER_LIMIT for group in filters):
        raise invalid(f"At most {FILTER_LIMIT} filters are allowed in a group")
    return [[compiled(schema, one) for one in group] for group in filters]


def _matches(contact: Contact, groups: list[list[Test]], query: str) -> bool:
    if query and not any(query in contact.properties.get(name, "").lower() for name in _TEXT_SEARCHED):
        return False
    return not groups or any(all(test(contact) for test in group) for group in groups)


def _sort(schema: Schema, hits: list[Contact], body: Json) -> None:
    given = body.get("sorts") or []
    if not isinstance(given, list) or len(given) > 1:
        raise invalid("Only one sort is allowed")
    hits.sort(key=lambda contact: int(contact.id))
    if not given:
        return
    rule = given[0]
    if isinstance(rule, dict):
        name, descending = text_field(rule, "propertyName"), rule.get("direction") == "DESCENDING"
    else:
        name, descending = str(rule).removeprefix("-"), str(rule).startswith("-")
    definition = schema.active.get(name)
    if definition is None:
        raise invalid(f"There was a problem with the request: property {name} does not exist")

    def key(contact: Contact) -> tuple[bool, float, str]:
        value = comparable(definition, contact.properties.get(name, ""))
        return (True, value, "") if isinstance(value, float) else (bool(value), 0.0, value)

    hits.sort(key=key, reverse=descending)
