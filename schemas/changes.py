"""contact.changes.v1: what a HubSpot contact shall be.

Law: a change is the whole projection, never a delta, and known by (friend, revision, digest): after a crash two bodies
may share a revision.
"""

from schemas.codec import Record, decoder
from schemas.marks import Cause, Trigger

MAX_CAUSES = 20


class Change(Record, frozen=True, kw_only=True):
    """All property values of one contact, the record to write them to, and the permission to create one.

    `erased_at`: the friend was erased then and began anew; what was written before is nobody's now.
    """

    friend: str
    revision: int
    digest: str
    emitted_at: int
    contact: str | None = None
    confirmed_at: int | None = None
    may_create: Trigger | None = None
    erased_at: int | None = None
    email: str
    properties: dict[str, str]
    causes: tuple[Cause, ...]
    more_causes: int


read_change = decoder(Change)
