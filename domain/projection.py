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
        if not connection.shadowed:
            _add(values, names_of(number), friend, connection)
    return values


def email_of(friend: str) -> str:
    """The address that stands for a friend who has told none."""
    return f"{friend}@line.me".lower()


def _add(values: dict[str, str], names: Names, friend: str, connection: ConnectionState) -> None:
    values[names.user_id] = friend
    profile, inbound, follow = connection.profile, connection.inbound, connection.follow
    if profile is not None:
        if profile.name is not None:
            values[names.name] = profile.name
        if profile.picture is not None:
            values[names.picture] = profile.picture
    if follow is not None:
        values[names.follow] = "true" if follow.value else "false"
    elif connection.linked_at is not None:
        values[names.follow] = "true"  # nearly all who act are friends
    if connection.linked_at is not None:
        values[names.sync_date] = _instant(connection.linked_at)
    if inbound is None:
        values[names.unanswered] = "false"
        return
    values[names.unanswered] = "true" if inbound.at > (connection.outbound_at or 0) else "false"
    if inbound.retracted:
        values[names.last_response] = UNSENT
    elif inbound.text is not None:
        values[names.last_response] = inbound.text


def _instant(ms: int) -> str:
    """Milliseconds UTC as RFC 3339, like `rfc3339`, with the dear part kept per day."""
    day, rest = divmod(ms, _DAY_MS)
    seconds, millis = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(day)}T{hour:02d}:{minute:02d}:{second:02d}.{millis:03d}Z"


@lru_cache(maxsize=8192)
def _date(day: int) -> str:
    return rfc3339(day * _DAY_MS)[:10]
