"""line.events.v1: one record per LINE webhook event.

Law: `event` is LINE's object with every value kept, also of kinds that we do not know. Its id is LINE's webhookEventId,
and where LINE gives none, a hash of the event that a redelivery does not change.
"""

import hashlib
from typing import Any, Literal

from schemas.codec import Record, canonical, decoder

Origin = Literal["webhook", "spool", "import", "operator"]
MAX_ID = 64


class EventRecord(Record, frozen=True, kw_only=True):
    """One event of one connection, as received at `received_at` (ms)."""

    connection: int
    received_at: int
    destination: str | None = None
    origin: Origin
    event: dict[str, Any]
    repaired: bool = False


read_event_record = decoder(EventRecord)


def event_id(connection: int, event: dict[str, Any]) -> str:
    """The identity of an event: webhookEventId, else `x-` and 32 hex digits of a hash (without deliveryContext)."""
    given = event.get("webhookEventId")
    if isinstance(given, str) and 0 < len(given) <= MAX_ID and given.isascii() and given.isprintable():
        return given
    lasting = {name: value for name, value in event.items() if name != "deliveryContext"}
    return "x-" + hashlib.sha256(b"%d\n%b" % (connection, canonical(lasting))).hexdigest()[:32]
