"""One webhook event as JSON (facts/line.md 4). Pure: identifiers and time are passed in."""

from collections.abc import Sequence

from devkit.line.contents import CONTENTS
from devkit.line.identifiers import Identifiers
from devkit.line.model import EventMode
from devkit.line.signature import Json

WITHOUT_REPLY = frozenset(
    {"unsend", "unfollow", "leave", "memberLeft", "delivery", "module", "activated", "deactivated"}
)


def user(user_id: str | None) -> Json:
    """Return a one-to-one source; PC users without consent have no id."""
    return {"type": "user"} if user_id is None else {"type": "user", "userId": user_id}


def group(group_id: str, user_id: str | None = None) -> Json:
    """Return a group or room source; only message events name the user."""
    kind = "room" if group_id.startswith("R") else "group"
    return {"type": kind, f"{kind}Id": group_id, **({} if user_id is None else {"userId": user_id})}


def event(
    ids: Identifiers,
    kind: str,
    source: Json | None,
    at: int,
    fields: Json,
    *,
    mode: EventMode = "active",
    reply: bool = True,
) -> Json:
    """Return one event at `at` ms; no reply token if its kind, the standby mode or `reply` forbids it."""
    built: Json = {"type": kind, **fields}
    built["webhookEventId"] = ids.webhook_event_id(at)
    built["deliveryContext"] = {"isRedelivery": False}
    built["timestamp"] = at
    if source is not None:
        built["source"] = source
    if reply and mode == "active" and kind not in WITHOUT_REPLY:
        built["replyToken"] = ids.hexadecimal()
    built["mode"] = mode
    return built


def message(ids: Identifiers, source: Json, at: int, kind: str, fields: Json, *, mode: EventMode = "active") -> Json:
    """Return a message event of one of the kinds of `CONTENTS`, which say its `fields`."""
    content = {"type": kind, "id": ids.message_id(), **CONTENTS[kind](ids, **fields)}
    if source["type"] == "user" and mode == "active":
        content["markAsReadToken"] = ids.opaque(40)
    return event(ids, "message", source, at, {"message": content}, mode=mode)


def again(original: Json, *, redelivery: bool) -> Json:
    """Return the event as LINE sends it another time: nothing but `isRedelivery` may differ."""
    return {**original, "deliveryContext": {**original.get("deliveryContext", {}), "isRedelivery": redelivery}}


def envelope(destination: str, events: Sequence[Json]) -> Json:
    """Return a webhook body; `destination` is the bot's user id."""
    return {"destination": destination, "events": list(events)}
