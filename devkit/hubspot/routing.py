"""Which call a method and path mean, v3 and dated twins alike, and the scopes it needs (one of them)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from devkit.hubspot import account_calls, batch_calls, contact_calls, property_calls, search_calls
from devkit.hubspot.account import Account
from devkit.hubspot.answers import Answer
from devkit.hubspot.call import Call
from devkit.hubspot.portal import Portal

Handler = Callable[[Account, Call], Answer]

_READ = ("crm.objects.contacts.read",)
_WRITE = ("crm.objects.contacts.write",)
_SCHEMA_READ = ("crm.schemas.contacts.read", "crm.objects.contacts.read")
_SCHEMA_WRITE = ("crm.schemas.contacts.write",)
_ANY_OBJECT = ("crm.objects.*",)

_TYPE = r"(?:contacts?|0-1)"
_FAMILIES = (
    ("contacts", re.compile(rf"/crm/(?:v3/objects|objects/20\d\d-\d\d)/{_TYPE}(?:/(.*))?")),
    ("properties", re.compile(rf"/crm/(?:v3/properties|properties/20\d\d-\d\d)/{_TYPE}(?:/(.*))?")),
    ("limits", re.compile(r"/crm/(?:v3/limits|limits/20\d\d-\d\d)/(.*)")),
    ("account-info", re.compile(r"/account-info/(?:v3|20\d\d-\d\d)/(.*)")),
    ("private-apps", re.compile(r"/oauth/v2/private-apps/(.*)")),
)


@dataclass(frozen=True, slots=True)
class Route:
    """A call by its name in logs and faults, e.g. `batch/update`."""

    name: str
    scopes: tuple[str, ...]
    handler: Handler
    open: bool = False  # needs no token


@dataclass(frozen=True, slots=True)
class Match:
    """What a path meant; `route` is None where the path exists but not for this method."""

    route: Route | None
    params: tuple[str, ...] = ()


def resolve(method: str, path: str) -> Match | None:
    """Return the route and its parameters; None for a path HubSpot does not know here."""
    for family, pattern in _FAMILIES:
        found = pattern.fullmatch(path.rstrip("/"))
        if found is None:
            continue
        rest = found.group(1) or ""
        known = _ROUTES[family]
        if rest in known and method in known[rest]:
            return Match(known[rest][method])
        head, _, last = rest.rpartition("/")
        template = f"{head}/*" if head else "*"
        if rest and template in known and method in known[template]:
            return Match(known[template][method], (unquote(last),))
        return Match(None) if rest in known or template in known else None
    return None


def _on_portal(handler: Callable[[Portal, Call], Answer]) -> Handler:
    return lambda account, call: handler(account.portal, call)


def _route(name: str, scopes: tuple[str, ...], handler: Callable[[Portal, Call], Answer]) -> Route:
    return Route(name, scopes, _on_portal(handler))


_ROUTES: dict[str, dict[str, dict[str, Route]]] = {
    "contacts": {
        "": {
            "GET": _route("list", _READ, contact_calls.listing),
            "POST": _route("create", _WRITE, contact_calls.create),
        },
        "*": {
            "GET": _route("read", _READ, contact_calls.read),
            "PATCH": _route("update", _WRITE, contact_calls.update),
            "DELETE": _route("archive", _WRITE, contact_calls.archive),
        },
        "batch/read": {"POST": _route("batch/read", _READ, batch_calls.read)},
        "batch/create": {"POST": _route("batch/create", _WRITE, batch_calls.create)},
        "batch/update": {"POST": _route("batch/update", _WRITE, batch_calls.update)},
        "batch/upsert": {"POST": _route("batch/upsert", _WRITE, batch_calls.upsert)},
        "batch/archive": {"POST": _route("batch/archive", _WRITE, batch_calls.archive)},
        "search": {"POST": _route("search", _READ, search_calls.search)},
        "merge": {"POST": _route("merge", _WRITE, contact_calls.merge)},
        "gdpr-delete": {"POST": _route("gdpr-delete", _WRITE, contact_calls.gdpr_delete)},
    },
    "properties": {
        "": {
            "GET": _route("properties/list", _SCHEMA_READ, property_calls.listing),
            "POST": _route("properties/create", _SCHEMA_WRITE, property_calls.create),
        },
        "*": {
            "GET": _route("properties/read", _SCHEMA_READ, property_calls.read),
            "PATCH": _route("properties/update", _SCHEMA_WRITE, property_calls.update),
            "DELETE": _route("properties/archive", _SCHEMA_WRITE, property_calls.archive),
        },
        "batch/create": {"POST": _route("properties/batch/create", _SCHEMA_WRITE, property_calls.batch_create)},
        "batch/read": {"POST": _route("properties/batch/read", _SCHEMA_READ, property_calls.batch_read)},
        "batch/archive": {"POST": _route("properties/batch/archive", _SCHEMA_WRITE, property_calls.batch_archive)},
        "groups": {
            "GET": _route("groups/list", _SCHEMA_READ, property_calls.groups_listing),
            "POST": _route("groups/create", _SCHEMA_WRITE, property_calls.groups_create),
        },
        "groups/*": {
            "GET": _route("groups/read", _SCHEMA_READ, property_calls.groups_read),
            "PATCH": _route("groups/update", _SCHEMA_WRITE, property_calls.groups_update),
            "DELETE": _route("groups/archive", _SCHEMA_WRITE, property_calls.groups_archive),
        },
    },
    "limits": {
        "custom-properties": {
            "GET": Route("limits/custom-properties", _ANY_OBJECT, account_calls.custom_property_limits)
        },
        "records": {"GET": Route("limits/records", _ANY_OBJECT, account_calls.record_limits)},
    },
    "account-info": {
        "details": {"GET": Route("account-info/details", (), account_calls.details)},
        "api-usage/daily/private-apps": {"GET": Route("account-info/api-usage", (), account_calls.daily_usage)},
    },
    "private-apps": {
        "get/access-token-info": {"POST": Route("access-token-info", (), account_calls.token_info, open=True)},
    },
}
