"""The HubSpot property values that follow from a state.

Law: a value is there as soon as it is known and never unknown again; a slot that belongs to another friend (shadowed)
is left out.
"""

from functools import lru_cache
from typing import NamedTuple

from domain.last_response import UNSENT
from schemas.cloud_events import rfc3339
from schemas.friends import ConnectionState

_DAY_MS = 86_400_000
_MINUTES = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(24 * 60))
_SECONDS = tuple(f"{second:02d}." for second in range(60))
_MILLIS = tuple(f"{milli:03d}Z" for milli in range(1000))


class Names(NamedTuple):
    """The internal names of the seven properties of one connection."""

    user_id: str
    name: str
    picture: str
    follow: str
    sync_date: str
    unanswered: str
    last_response: str


@lru_cache(maxsize=1024)
def names_of(number: str) -> Names:
    """The seven property names of connection N, given as text."""
    return Names(
        f"line_user_id_{number}",
        f"line_user_name_{number}",
        f"line_user_picture_{number}",
        f"line_follow_{number}",
        f"line_id_sync_date_{number}",
        f"line_unanswered_{number}",
        f"line_last_response_{number}",
    )


def properties_of(friend: str, connections: dict[str, ConnectionState]) -> dict[str, str]:
    """All property values of one friend's contact, by internal name."""
    values: dict[str, str] = {}
    for number, connection in connections.items():
        if connection.shadowed:
            continue
        user_id, name, picture, follow, sync_date, unanswered, last_response = names_of(number)
        values[user_id] = friend
        profile, linked_at, inbound = connection.profile, connection.linked_at, connection.inbound
        if profile is not None:
            if profile.name is not None:
                values[name] = profile.name
            if profile.picture is not None:
                values[picture] = profile.picture
        if linked_at is not None:
            values[follow] = "true"  # nearly all who act are friends, unless LINE says otherwise
            values[sync_date] = _instant(linked_at)
        if connection.follow is not None:
            values[follow] = "true" if connection.follow.value else "false"
        if inbound is None:
            values[unanswered] = "false"
            continue
        values[unanswered] = "true" if inbound.at > (connection.outbound_at or 0) else "false"
        if inbound.retracted:
            values[last_response] = UNSENT
        elif inbound.text is not None:
            values[last_response] = inbound.text
    return values


def email_of(friend: str) -> str:
    """The address that stands for a friend who has told none."""
    return f"{friend}@line.me".lower()


def _instant(ms: int) -> str:
    """Milliseconds UTC as RFC 3339, like `rfc3339`, from kept parts: it is written for every change."""
    day, rest = divmod(ms, _DAY_MS)
    minute, rest = divmod(rest, 60_000)
    second, milli = divmod(rest, 1000)
    return _date(day) + _MINUTES[minute] + _SECONDS[second] + _MILLIS[milli]


@lru_cache(maxsize=8192)
def _date(day: int) -> str:
    return rfc3339(day * _DAY_MS)[:10]
