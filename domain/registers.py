"""The registers of one connection.

Law: each register is ordered by LINE's (timestamp, id) alone, so duplicates, redeliveries and any order of the events
end in the same registers; a register that does not change is the same object.
"""

from typing import Any

from domain.last_response import UNKNOWN, name_of_kind, shown
from schemas.friends import MAX_UNSENT, ConnectionState, Follow, Inbound

NEVER_SEEN = ConnectionState()
FOLLOWING = {"follow": True, "unfollow": False, "imported": True}
TRIGGERS = frozenset({"message", "follow"})
ORDERED = frozenset({"message", "follow", "unfollow", "imported", "unsend"})  # the kinds that have a register

_ACTIONS = frozenset({"message", "follow", "imported", "postback", "videoPlayComplete", "beacon"})


def permits_contact(kind: str, event: dict[str, Any]) -> bool:
    """Is this an act of the friend's that a first contact may come from (rows 1 and 2 of the table)?"""
    if kind in _ACTIONS:
        return True
    if kind == "accountLink":
        return _text_in(event.get("link"), "result") == "ok"
    return kind == "membership" and _text_in(event.get("membership"), "type") == "joined"


def fold_registers(
    old: ConnectionState, kind: str, event: dict[str, Any], event_id: str, at: int, links: bool
) -> ConnectionState:
    """The registers after one event; `links` = it counts as a sign of life. The same object where nothing changed."""
    follow, inbound, unsent, linked_at = old.follow, old.inbound, old.unsent, old.linked_at
    if kind == "message":
        if inbound is None or at > inbound.at or (at == inbound.at and event_id > inbound.id):
            inbound = _received(event, event_id, at, unsent)
    elif kind in FOLLOWING:
        if follow is None or at > follow.at or (at == follow.at and event_id > follow.id):
            follow = Follow(value=FOLLOWING[kind], at=at, id=event_id)
    elif kind == "unsend":
        unsent, inbound = _retracted(old, _text_in(event.get("unsend"), "messageId"), at)
    if links and (linked_at is None or at < linked_at):
        linked_at = at
    if follow is old.follow and inbound is old.inbound and unsent is old.unsent and linked_at == old.linked_at:
        return old
    return ConnectionState(
        follow=follow,
        inbound=inbound,
        outbound_at=old.outbound_at,
        linked_at=linked_at,
        profile=old.profile,
        unsent=unsent,
        shadowed=old.shadowed,
    )


def _received(event: dict[str, Any], event_id: str, at: int, unsent: tuple[tuple[str, int], ...]) -> Inbound:
    message = event.get("message")
    if not isinstance(message, dict):
        return Inbound(at=at, id=event_id, message="", kind=UNKNOWN, text=f"[{UNKNOWN}]", retracted=False)
    message_id = _text_in(message, "id")
    kind = name_of_kind(message.get("type"))
    if unsent and any(message_id == gone for gone, _ in unsent):
        return Inbound(at=at, id=event_id, message=message_id, kind=kind, retracted=True)
    return Inbound(at=at, id=event_id, message=message_id, kind=kind, text=shown(message, kind), retracted=False)


def _retracted(old: ConnectionState, message: str, at: int) -> tuple[tuple[tuple[str, int], ...], Inbound | None]:
    """The last unsent messages, newest last, and the newest message without its text if it is the unsent one."""
    unsent, inbound = old.unsent, old.inbound
    if not message:
        return unsent, inbound
    times = dict(unsent)
    if times.get(message, -1) < at:
        times[message] = at
        kept = tuple(sorted(times.items(), key=_by_time)[-MAX_UNSENT:])
        unsent = unsent if kept == unsent else kept
    if inbound is not None and inbound.message == message and not inbound.retracted:
        inbound = Inbound(at=inbound.at, id=inbound.id, message=message, kind=inbound.kind, retracted=True)
    return unsent, inbound


def _by_time(entry: tuple[str, int]) -> tuple[int, str]:
    return entry[1], entry[0]


def _text_in(value: object, name: str) -> str:
    """A text inside an object of LINE's; an integer as its digits, anything else as none."""
    found = value.get(name) if isinstance(value, dict) else None
    if isinstance(found, str):
        return found
    return str(found) if type(found) is int else ""
