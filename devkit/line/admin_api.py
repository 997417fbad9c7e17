"""The admin API, `/_admin/...` in JSON: everything the Python methods do, for stories told by another process.

| call | body or query | answer |
|---|---|---|
| `GET /_admin/state` | | counts of everything |
| `POST /_admin/accounts` | fields of `add_account`, `delivery` an object | the account, secret included |
| `GET /_admin/accounts`, `PATCH /_admin/accounts/{id}` | any fields to change | accounts; the account |
| `POST /_admin/accounts/{id}/secret`, `.../token`, `DELETE .../tokens` | | secret; long-lived token; how many died |
| `POST /_admin/accounts/{id}/hold`, `.../release` | `shuffle`, `per_post` | deliveries |
| `POST /_admin/users`, `PATCH /_admin/users/{key}` | fields of `add_user` | the user with `user_ids` per channel |
| `POST /_admin/groups` | `room` | the group |
| `POST /_admin/acts` | `act`, `account`, `user`, `at`, its fields; or a list of such | deliveries |
| `POST /_admin/events` | as `acts` | the events, undelivered |
| `POST /_admin/crowd` | `account`, `count` | deliveries of that many follows |
| `POST /_admin/webhooks` | `account`, `events` | deliveries |
| `POST /_admin/drain` | | waits until nothing is under way |
| `GET /_admin/deliveries` | `account`, `acknowledged=true\\|false` | every event with its attempts |
| `GET /_admin/sent`, `GET /_admin/calls` | | messages that reached somebody; calls counted by name and status |
| `POST`, `GET`, `DELETE /_admin/faults` | fields of `Fault` | what waits to happen |
| `POST /_admin/limits` | `call`, `calls`, `period_ms` | |
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from aiohttp import web

from devkit.line.deliveries import Delivery
from devkit.line.faults import Fault
from devkit.line.limits import Limit
from devkit.line.model import Account, DeliverySettings, Person
from devkit.line.signature import Json
from devkit.line.world import UnknownReferenceError

if TYPE_CHECKING:
    from devkit.line.simulator import LineSimulator

Command = Callable[["LineSimulator", web.Request, Any], Awaitable[object]]
Changeable = Account | Person | DeliverySettings


class UnknownFieldError(ValueError):
    """A change names a field the record does not have."""


async def state(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Return counts of everything."""
    world, book = line.platform.world, line.book
    return {
        "accounts": len(world.accounts),
        "users": len(world.people),
        "events": len(book.deliveries),
        "attempts": len(book.attempts),
        "acknowledged": len(book.acknowledged()),
        "calls": len(line.calls),
        "sent": len(line.sent),
    }


async def add_account(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Open an account."""
    delivery = msgspec.convert(body.pop("delivery", {}), DeliverySettings)
    return line.add_account(**body, delivery=delivery)


async def accounts(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """List the accounts."""
    return list(line.platform.world.accounts.values())


async def change_account(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Change settings of an account, those of delivery too."""
    account = line.platform.world.account(request.match_info["account"])
    change(account.delivery, body.pop("delivery", {}))
    change(account, body)
    return account


async def secret(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Issue the channel secret anew."""
    return {"channel_secret": line.reissue_secret(request.match_info["account"])}


async def token(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Issue a long-lived token."""
    return {"access_token": line.long_lived_token(request.match_info["account"])}


async def kill_tokens(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Kill all tokens of an account."""
    return {"revoked": line.revoke_tokens(request.match_info["account"])}


async def hold(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Keep an account's events back."""
    line.hold(request.match_info["account"])
    return {}


async def release(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Deliver an account's held events."""
    return [shown(delivery) for delivery in await line.release(request.match_info["account"], **body)]


async def add_user(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Add a person."""
    return user_shown(line, line.add_user(body.pop("display_name", "User"), **body))


async def change_user(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Change a person's profile; LINE tells nobody."""
    person = line.platform.world.person(request.match_info["user"])
    change(person, body)
    return user_shown(line, person)


async def add_group(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Add a group or a room."""
    return {"group_id": line.add_group(**body).group_id}


async def act(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Let users act, one after the other."""
    acts: list[Json] = body if isinstance(body, list) else [body]
    done = [await line.act(story.pop("act"), story.pop("account"), story.pop("user", None), **story) for story in acts]
    return [None if delivery is None else shown(delivery) for delivery in done]


async def crowd(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Let many new people follow an account at once."""
    return [shown(delivery) for delivery in await line.crowd(body["account"], body["count"])]


async def perform(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Let users act and return their events undelivered."""
    acts: list[Json] = body if isinstance(body, list) else [body]
    return [line.perform(story.pop("act"), story.pop("account"), story.pop("user", None), **story) for story in acts]


async def webhooks(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Deliver events made elsewhere in one body."""
    return [shown(delivery) for delivery in await line.post(body["account"], body["events"])]


async def drain(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Wait until nothing is under way."""
    await line.drain()
    return {}


async def deliveries(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """List the events that were sent, all or by account and acknowledgement."""
    account, wanted = request.query.get("account"), request.query.get("acknowledged")
    return [
        shown(delivery)
        for delivery in line.book.deliveries
        if account in (None, delivery.channel_id) and wanted in (None, str(delivery.acknowledged).lower())
    ]


async def sent(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """List the messages that reached somebody."""
    return line.sent


async def calls(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Count the calls by name and status."""
    counted = Counter((called.call, called.status) for called in line.calls)
    return [{"call": call, "status": status, "count": count} for (call, status), count in sorted(counted.items())]


async def add_fault(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Script trouble."""
    return line.add_fault(msgspec.convert(body, Fault))


async def faults(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """List the trouble that waits to happen."""
    return line.platform.faults.waiting


async def clear_faults(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Forget the trouble that has not happened."""
    line.platform.faults.clear()
    return {}


async def limit(line: "LineSimulator", request: web.Request, body: Any) -> object:
    """Replace the rate limit of a call."""
    line.platform.limits.overrides[body["call"]] = Limit(body["calls"], body["period_ms"])
    return {}


def change(record: Changeable, changes: Json) -> None:
    """Set fields of a record; raises UnknownFieldError for one it does not have."""
    unknown = changes.keys() - {known.name for known in fields(record)}
    if unknown:
        raise UnknownFieldError(f"no field {', '.join(sorted(unknown))} in {type(record).__name__}")
    for name, value in changes.items():
        setattr(record, name, value)


def shown(delivery: Delivery) -> Json:
    """Return a delivery as the admin API shows it."""
    return {
        "channel_id": delivery.channel_id,
        "event": delivery.event,
        "acknowledged": delivery.acknowledged,
        "attempts": delivery.attempts,
    }


def user_shown(line: "LineSimulator", person: Person) -> Json:
    """Return a person with the user id every account knows them by."""
    known = {channel_id: line.user_id(channel_id, person) for channel_id in line.platform.world.accounts}
    return {**asdict(person), "user_ids": known}


COMMANDS: tuple[tuple[str, str, Command], ...] = (
    ("GET", "state", state),
    ("POST", "accounts", add_account),
    ("GET", "accounts", accounts),
    ("PATCH", "accounts/{account}", change_account),
    ("POST", "accounts/{account}/secret", secret),
    ("POST", "accounts/{account}/token", token),
    ("DELETE", "accounts/{account}/tokens", kill_tokens),
    ("POST", "accounts/{account}/hold", hold),
    ("POST", "accounts/{account}/release", release),
    ("POST", "users", add_user),
    ("PATCH", "users/{user}", change_user),
    ("POST", "groups", add_group),
    ("POST", "acts", act),
    ("POST", "events", perform),
    ("POST", "crowd", crowd),
    ("POST", "webhooks", webhooks),
    ("POST", "drain", drain),
    ("GET", "deliveries", deliveries),
    ("GET", "sent", sent),
    ("GET", "calls", calls),
    ("POST", "faults", add_fault),
    ("GET", "faults", faults),
    ("DELETE", "faults", clear_faults),
    ("POST", "limits", limit),
)


def routes(line: "LineSimulator") -> list[web.RouteDef]:
    """Return the aiohttp routes of the admin API."""

    def handler(command: Command) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                answer = await command(line, request, orjson.loads(await request.read() or b"{}"))
            except (UnknownReferenceError, KeyError, TypeError, ValueError) as error:
                message = f"{command.__name__}: {error.args[0] if error.args else error!r}"
                return web.Response(
                    status=400, body=orjson.dumps({"message": message}), content_type="application/json"
                )
            return web.Response(body=orjson.dumps(answer), content_type="application/json")

        return handle

    return [web.route(method, f"/_admin/{path}", handler(command)) for method, path, command in COMMANDS]
