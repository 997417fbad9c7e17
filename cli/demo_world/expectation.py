"""What must stand in HubSpot, worked out from acknowledged webhook events alone.

Law: written from the tables of the documentation and none of the program's own code, so that it can be wrong only
independently of it. It knows friends that follow and write; pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from devkit.hubspot.instants import iso_value, parse
from devkit.line import Json

LINKING = frozenset({"follow", "message", "postback", "videoPlayComplete", "beacon"})


@dataclass(frozen=True, slots=True)
class Face:
    """What LINE shows of a friend."""

    name: str
    picture: str = ""


def expected_contacts(events: Iterable[Json], faces: Mapping[str, Face], number: int) -> dict[str, dict[str, str]]:
    """The properties of each friend's contact, by LINE user id; the order and the copies of `events` do not matter."""
    distinct = {str(event["webhookEventId"]): event for event in events}
    lives: dict[str, list[Json]] = {}
    for event in sorted(distinct.values(), key=lambda event: (event["timestamp"], event["webhookEventId"])):
        source = event.get("source", {})
        if source.get("type") == "user" and "userId" in source:
            lives.setdefault(source["userId"], []).append(event)
    return {
        friend: _properties(friend, life, faces.get(friend), number)
        for friend, life in lives.items()
        if any(event["type"] in LINKING for event in life)
    }


def differences(
    expected: Mapping[str, Mapping[str, str]], contacts: Sequence[Mapping[str, str]], number: int
) -> dict[str, list[str]]:
    """Friend -> what is wrong; {} when every expected contact stands there once, and no other one of ours."""
    user_id = f"line_user_id_{number}"
    standing: dict[str, list[Mapping[str, str]]] = {}
    for contact in contacts:
        if contact.get(user_id):
            standing.setdefault(contact[user_id], []).append(contact)
    found = {friend: _wrong(expected.get(friend), standing.get(friend, [])) for friend in {*expected, *standing}}
    return {friend: wrong for friend, wrong in found.items() if wrong}


def _properties(friend: str, life: Sequence[Json], face: Face | None, number: int) -> dict[str, str]:
    follows = [event["type"] == "follow" for event in life if event["type"] in ("follow", "unfollow")]
    messages = [event["message"] for event in life if event["type"] == "message"]
    unsent = {event["unsend"]["messageId"] for event in life if event["type"] == "unsend"}
    first = next(event["timestamp"] for event in life if event["type"] in LINKING)
    values = {
        "user_id": friend,
        "follow": "true" if not follows or follows[-1] else "false",
        "id_sync_date": iso_value(first),
        "unanswered": "true" if messages else "false",
    }
    if messages:
        values["last_response"] = "[unsent]" if messages[-1]["id"] in unsent else _shown(messages[-1])
    if face is not None:
        values |= {"user_name": face.name, "user_picture": face.picture}
    return {"email": f"{friend}@line.me".lower()} | {f"line_{name}_{number}": value for name, value in values.items()}


def _shown(message: Json) -> str:
    kind = message["type"]
    if kind == "text":
        return str(message["text"]).strip()
    detail = {
        "sticker": ", ".join(message.get("keywords", [])),
        "file": message.get("fileName", ""),
        "location": message.get("title", ""),
    }.get(kind, "")
    return f"[{kind}: {detail}]" if detail else f"[{kind}]"


def _wrong(expected: Mapping[str, str] | None, standing: Sequence[Mapping[str, str]]) -> list[str]:
    if expected is None:
        return ["a contact nobody may have made"]
    if len(standing) != 1:
        return [f"{len(standing)} contacts instead of one"]
    contact = standing[0]
    return [
        f"{name}: expected {value!r}, HubSpot has {contact.get(name)!r}"
        for name, value in expected.items()
        if not _equal(name, value, contact.get(name) or "")
    ]


def _equal(name: str, expected: str, found: str) -> bool:
    if name.startswith("line_id_sync_date_"):
        return parse(expected) == parse(found)
    return expected == found
