"""connections.v1: one LINE Official Account linked to the portal.

Law: a number is never reused and a record never removed; a removed connection keeps its record without secrets.
The record under the key `portal` names the HubSpot portal that all of them belong to; those under `sink:hubspot` and
`sink:line` say whether an operator has paused that sink.
"""

from typing import Literal

from schemas.codec import Record, decoder

Status = Literal["draft", "properties_pending", "connected", "attention", "paused", "removed"]
SinkName = Literal["hubspot", "line"]
PORTAL_KEY = b"portal"
SINK_KEYS: dict[bytes, SinkName] = {b"sink:hubspot": "hubspot", b"sink:line": "line"}


class SealedSecret(Record, frozen=True, kw_only=True):
    """A sealed value: which key sealed it, the box in base64, and until when (ms) it is valid."""

    key: str
    box: str
    until: int | None = None


class ConnectionRecord(Record, frozen=True, kw_only=True):
    """Connection N."""

    number: int
    status: Status
    reason: str | None = None
    name: str
    description: str | None = None
    icon: str | None = None
    channel_id: str
    bot_user_id: str | None = None
    basic_id: str | None = None
    verified: bool | None = None
    webhook_url: str | None = None
    replaced_url: str | None = None
    secrets: tuple[SealedSecret, ...] = ()
    token: SealedSecret | None = None
    created_at: int
    removed_at: int | None = None
    version: int


class PortalRecord(Record, frozen=True, kw_only=True):
    """The HubSpot portal that this registry belongs to."""

    portal_id: int
    since: int


class SinkRecord(Record, frozen=True, kw_only=True):
    """What an operator said last about a sink, at `at` (ms): calls to its vendor wait while it is paused."""

    paused: bool
    at: int


read_connection = decoder(ConnectionRecord)
read_portal = decoder(PortalRecord)
read_sink = decoder(SinkRecord)
