"""A friend's state while one turn works on it.

Law: thawed once at the start of a turn and frozen once at its end; in between nothing outside the turn sees it. An
erased friend has the contact status `erased`: with a change still open it keeps only that, else its row is exactly
friend, erased_at and revision.
"""

import msgspec

from schemas.friends import Blocked, ConnectionState, Contact, FriendState, Last, Read, Seen, Sent, Writes
from schemas.marks import Mark, Trigger

NO_CONTACT = Contact(status="none")
ERASED = Contact(status="erased")
_NOTHING_READ = Read()
_NO_STATE = FriendState(friend="", revision=0)


class Draft(msgspec.Struct):
    """The registers and the contact's state, mutable. `touched` = there is something to persist."""

    friend: str
    revision: int
    connections: dict[str, ConnectionState]
    contact: Contact
    trigger: Trigger | None
    delivered: Mark | None
    permit: Trigger | None
    sent: Sent | None
    seen: Seen | None
    blocked: Blocked | None
    rewrite: bool
    writes: Writes | None
    read: Read
    erased_at: int | None
    touched: bool = False
    new_event: bool = False

    def put(self, key: str, connection: ConnectionState) -> None:
        """Set one connection's registers; the dictionary that was thawed belongs to the old state and stays."""
        connections = self.connections.copy()
        connections[key] = connection
        self.connections = connections if key in self.connections else dict(sorted(connections.items(), key=_number))
        self.touched = True

    def erase(self, at: int) -> None:
        """Forget everything but an open change, which has to be answered first."""
        self.connections = {}
        self.contact = ERASED
        self.trigger = self.delivered = self.permit = self.seen = self.blocked = self.writes = None
        self.rewrite = False
        self.erased_at = at if self.erased_at is None else max(at, self.erased_at)
        self.touched = True


def thaw(friend: str, state: FriendState | None) -> Draft:
    """The draft of one turn; None = a friend never seen."""
    old = _NO_STATE if state is None else state
    return Draft(
        friend,
        old.revision,
        old.connections,
        old.contact or (NO_CONTACT if old.erased_at is None else ERASED),
        old.trigger,
        old.trigger_delivered,
        old.permit,
        old.sent,
        old.seen,
        old.blocked,
        old.rewrite,
        old.writes,
        old.read or _NOTHING_READ,
        old.erased_at,
    )


def freeze(draft: Draft, last: Last | None) -> FriendState:
    """The state that the turn ends in; its revision is the draft's."""
    if draft.contact.status == "erased" and draft.sent is None:
        return FriendState(friend=draft.friend, revision=draft.revision, erased_at=draft.erased_at)
    return FriendState(
        friend=draft.friend,
        revision=draft.revision,
        connections=draft.connections,
        contact=draft.contact,
        trigger=draft.trigger,
        trigger_delivered=draft.delivered,
        permit=draft.permit,
        sent=draft.sent,
        seen=draft.seen,
        blocked=draft.blocked,
        rewrite=draft.rewrite,
        writes=draft.writes,
        read=None if draft.read == _NOTHING_READ else draft.read,
        last=last,
        erased_at=draft.erased_at,
    )


def _number(entry: tuple[str, ConnectionState]) -> tuple[int, str]:
    key = entry[0]
    return (int(key) if key.isdecimal() else 0, key)
