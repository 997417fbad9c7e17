"""friends.v1: one friend's state. The table's row, its changelog record and the public record are the same bytes.

Law: each register is ordered by one clock of LINE's; optional parts are left out; after an erasure the row is exactly
friend, erased_at and revision.
"""

from typing import Literal

import msgspec

from schemas.codec import Record, decoder
from schemas.marks import Mark, Trigger

ContactStatus = Literal["none", "live", "gone", "erased"]
MAX_UNSENT = 8


class Follow(Record, frozen=True, kw_only=True):
    """Does the friend follow the account? The newest follow, unfollow or import says."""

    value: bool
    at: int
    id: str


class Inbound(Record, frozen=True, kw_only=True):
    """The newest message received in the 1:1 chat: `text` is what is shown of it, absent when retracted or unknown."""

    at: int
    id: str
    message: str
    kind: str
    text: str | None = None
    retracted: bool


class Profile(Record, frozen=True, kw_only=True):
    """Name and picture as LINE told them at `at`; last asked for at `wanted_at`."""

    name: str | None = None
    picture: str | None = None
    found: bool | None = None
    at: int | None = None
    wanted_at: int | None = None


class ConnectionState(Record, frozen=True, kw_only=True):
    """The registers of one connection. `unsent`: the last retracted messages as (message id, at)."""

    follow: Follow | None = None
    inbound: Inbound | None = None
    outbound_at: int | None = None
    linked_at: int | None = None
    profile: Profile | None = None
    unsent: tuple[tuple[str, int], ...] = ()
    shadowed: bool = False


class Contact(Record, frozen=True, kw_only=True):
    """The link to HubSpot. The id stays when it is gone; `at` = last confirmed alive, or archivedAt once gone."""

    id: str | None = None
    status: ContactStatus
    at: int | None = None
    nowhere_at: int | None = None


class Sent(Record, frozen=True, kw_only=True):
    """The one change that is outstanding."""

    revision: int
    digest: str
    trigger: Mark | None = None
    at: int


class Seen(Record, frozen=True, kw_only=True):
    """What the last write put there."""

    digest: str | None = None
    contact: str | None = None
    generation: int | None = None
    at: int


class Blocked(Record, frozen=True, kw_only=True):
    """A change that HubSpot would refuse again."""

    digest: str
    trigger: Mark | None = None
    code: str
    at: int


class Writes(Record, frozen=True, kw_only=True):
    """Writes without a new LINE event, for the loop guard."""

    since: int
    count: int


class Read(Record, frozen=True, kw_only=True):
    """The newest folded offsets of contact.outcomes.v1 and line.results.v1; -1 = none yet."""

    outcomes: int = -1
    results: int = -1


class Last(Record, frozen=True, kw_only=True):
    """The last decision about this friend."""

    decision: str
    cause: str
    at: int


class FriendState(Record, frozen=True, kw_only=True):
    """All that is known of one LINE user; `connections` by N as text."""

    friend: str
    revision: int
    connections: dict[str, ConnectionState] = msgspec.field(default_factory=dict)
    contact: Contact | None = None
    trigger: Trigger | None = None
    trigger_delivered: Mark | None = None
    permit: Trigger | None = None
    sent: Sent | None = None
    seen: Seen | None = None
    blocked: Blocked | None = None
    rewrite: bool = False
    writes: Writes | None = None
    read: Read | None = None
    last: Last | None = None
    erased_at: int | None = None


read_friend_state = decoder(FriendState)
