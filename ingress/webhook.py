"""The typestate of a webhook: raw bytes become events of an account only through its signature.

Law: constructing a `VerifiedWebhook` *is* the verification, so none exists that was not verified, and only it can be
published. Every live secret is tried, in constant time, over the raw bytes: parsed and dumped again, they are others.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable
from typing import NamedTuple, final


class SignatureWrong(Exception):
    """No live secret of the connection made this signature."""


@final
class Signer:
    """Computes the `x-line-signature` of bodies for one channel secret, whose key schedule is prepared once."""

    __slots__ = ("_keyed",)

    def __init__(self, secret: bytes) -> None:
        self._keyed = hmac.new(secret, digestmod="sha256")

    def sign(self, body: bytes) -> bytes:
        """HMAC-SHA256 over the body as standard base64 (44 characters)."""
        keyed = self._keyed.copy()
        keyed.update(body)
        return b64encode(keyed.digest())

    def __repr__(self) -> str:
        return "Signer(***)"


class RawWebhook(NamedTuple):
    """What came to `/line/{connection}` at `received_at` (ms): bytes that anyone may have sent."""

    connection: int
    received_at: int
    body: bytes
    signature: str

    def __repr__(self) -> str:
        return f"RawWebhook(connection={self.connection}, {len(self.body)} bytes)"


@final
class VerifiedWebhook:
    """A webhook that LINE signed for this connection. Raises SignatureWrong when no signer agrees."""

    __slots__ = ("body", "connection", "received_at")

    def __init__(self, raw: RawWebhook, signers: Iterable[Signer]) -> None:
        given = raw.signature.encode("utf-8", "surrogateescape")
        genuine = False
        for signer in signers:  # all of them, whichever agrees: the time tells nothing
            genuine |= hmac.compare_digest(signer.sign(raw.body), given)
        if not genuine:
            raise SignatureWrong
        self.connection = raw.connection
        self.received_at = raw.received_at
        self.body = raw.body

    def __repr__(self) -> str:
        return f"VerifiedWebhook(connection={self.connection}, {len(self.body)} bytes)"
