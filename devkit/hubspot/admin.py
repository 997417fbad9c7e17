"""The door for tests and demos, under `/_admin`: look into the portal, act as people, order faults. JSON both ways."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from aiohttp import web

from devkit.hubspot.answers import Json, Refusal
from devkit.hubspot.contacts import Contact
from devkit.hubspot.faults import Fault, Latency

if TYPE_CHECKING:
    from devkit.hubspot.simulator import HubSpotSimulator

Act = Callable[["HubSpotSimulator", web.Request, Json], Any]


def admin_routes(simulator: "HubSpotSimulator") -> list[web.RouteDef]:
    """Return the routes of the admin API for one simulator."""
    return [web.route(method, f"/_admin{path}", _handler(simulator, act)) for method, path, act in _ROUTES]


def shown(contact: Contact) -> Json:
    """Return a contact with everything the portal knows about it."""
    return {
        "id": contact.id,
        "properties": contact.properties,
        "additional_emails": contact.additional_emails,
        "merged_ids": contact.merged_ids,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "archived_at": contact.archived_at,
        "erased_at": contact.erased_at,
        "writes": contact.writes,
    }


def _handler(simulator: "HubSpotSimulator", act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            raw = await request.read()
            body = orjson.loads(raw) if raw.strip() else {}
            answer, status = act(simulator, request, body), 200
        except Refusal as refusal:
            answer, status = refusal.body, refusal.status
        except (msgspec.ValidationError, orjson.JSONDecodeError, TypeError) as problem:
            answer, status = {"message": f"The request does not fit: {problem}"}, 400
        except KeyError as problem:
            answer, status = {"message": f"Not there: {problem}"}, 404
        if isinstance(answer, Contact):
            answer = shown(answer)
        return web.Response(status=status, body=orjson.dumps(answer or {}), content_type="application/json")

    return handle


def _state(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> Json:
    portal = simulator.portal
    return {
        "now": simulator.now(),
        "options": msgspec.to_builtins(simulator.options),
        "contacts": [shown(contact) for contact in simulator.people.contacts()],
        "archived": [shown(contact) for contact in simulator.people.contacts(archived=True)],
        "merged": portal.contacts.forwards,
        "blocked_emails": sorted(portal.blocked_emails),
        "properties": [definition.view() for definition in portal.schema.custom()],
        "archived_properties": sorted(portal.schema.archived),
        "groups": [group.view() for group in portal.schema.groups.values()],
        "tokens": {grant.token: _grant(grant.scopes, grant.withdrawn) for grant in simulator.access.grants.values()},
        "calls": simulator.log.by_name(),
        "calls_today": simulator.account.quota.calls_today,
    }


def _grant(scopes: set[str], withdrawn: bool) -> Json:
    return {"scopes": sorted(scopes), "withdrawn": withdrawn}


def _contacts(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> Json:
    wanted = {name: value for name, value in request.query.items() if name != "archived"}
    found = simulator.people.contacts(archived=request.query.get("archived") == "true")
    results = [one for one in found if all(one.properties.get(name) == value for name, value in wanted.items())]
    return {"results": [shown(contact) for contact in results]}


def _contact(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> Contact:
    return simulator.portal.contacts.records[request.match_info["id"]]


def _calls(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> Json:
    after = int(request.query.get("after", "0"))
    entries = [msgspec.to_builtins(entry) for entry in simulator.log.entries if entry.number > after]
    return {"counts": simulator.log.by_name(), "entries": entries}


def _happenings(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> Json:
    return {"results": [msgspec.to_builtins(happening) for happening in simulator.portal.happenings]}


def _faults(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> Json:
    return {
        "orders": msgspec.to_builtins(simulator.faults.orders),
        "latencies": msgspec.to_builtins(simulator.faults.latencies),
    }


def _order(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> None:
    simulator.faults.order(msgspec.convert(body, Fault))


def _latency(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> None:
    simulator.faults.latencies.append(msgspec.convert(body, Latency))


def _token(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> None:
    acts: dict[str, Callable[[], object]] = {
        "issue": lambda: simulator.access.issue(body["token"], body.get("scopes")),
        "withdraw": lambda: simulator.access.withdraw(body.get("token")),
        "restore": lambda: simulator.access.restore(body.get("token")),
        "withdraw-scope": lambda: simulator.access.withdraw_scope(body["scope"], body.get("token")),
        "grant-scope": lambda: simulator.access.grant_scope(body["scope"], body.get("token")),
    }
    acts[request.match_info["act"]]()


def _advance(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> Json:
    simulator.clock_offset += int(body["ms"])
    return {"now": simulator.now()}


def _on_contact(simulator: "HubSpotSimulator", request: web.Request, body: Json) -> object:
    people = simulator.people
    acts: dict[str, Callable[[str], object]] = {
        "archive": people.delete_contact,
        "restore": people.restore_contact,
        "privacy-delete": people.erase_contact,
    }
    return acts[request.match_info["act"]](request.match_info["id"])


_ROUTES: list[tuple[str, str, Act]] = [
    ("GET", "/state", _state),
    ("GET", "/contacts", _contacts),
    ("GET", "/contacts/{id}", _contact),
    ("POST", "/contacts", lambda simulator, request, body: simulator.people.create_contact(body["properties"])),
    (
        "PATCH",
        "/contacts/{id}",
        lambda simulator, request, body: simulator.people.edit_contact(request.match_info["id"], body["properties"]),
    ),
    ("POST", "/contacts/{id}/{act}", _on_contact),
    (
        "POST",
        "/merge",
        lambda simulator, request, body: simulator.people.merge_contacts(body["primary"], body["other"]),
    ),
    ("POST", "/blocked-emails", lambda simulator, request, body: simulator.people.block_email(body["email"])),
    (
        "DELETE",
        "/properties/{name}",
        lambda simulator, request, body: simulator.people.delete_property(request.match_info["name"]),
    ),
    ("GET", "/calls", _calls),
    ("GET", "/happenings", _happenings),
    ("GET", "/faults", _faults),
    ("POST", "/faults", _order),
    ("POST", "/latency", _latency),
    ("DELETE", "/faults", lambda simulator, request, body: simulator.faults.clear()),
    ("POST", "/tokens/{act}", _token),
    ("PATCH", "/options", lambda simulator, request, body: simulator.options.change(body)),
    ("POST", "/clock", _advance),
    ("POST", "/reset", lambda simulator, request, body: simulator.reset(**body)),
]
