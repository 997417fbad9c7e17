"""Sealing of what must not be read in Kafka: AES-256-GCM.

Law: a box opens only with the key that sealed it and in the context (associated data) it was sealed for, so a sealed
secret cannot be moved to another connection or field. The key itself never leaves this object.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.clock import token_bytes
from runtime.refusal import MISCONFIGURED, Refusal
from runtime.settings import Settings

_NONCE_BYTES: Final = 12


class NotOpened(Exception):
    """The box was sealed with another key, for another context, or was changed."""


@dataclass(frozen=True, slots=True)
class Box:
    """What is sealed: the id of the key, and nonce and ciphertext in base64."""

    key: str
    box: str


class SealingKey:
    """The key made of a secret text; `id` tells keys apart and reveals nothing of them."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(_derived(secret, b"friendstream sealing key", 32))
        self.id = "k" + _derived(secret, b"friendstream sealing key id", 4).hex()

    @classmethod
    def load(cls, settings: Settings) -> SealingKey:
        """SECRET_KEY, else the one in DATA_DIR, made when Kafka is embedded; Refusal 78 when there is none to use."""
        if settings.secret_key is not None:
            return cls(settings.secret_key.reveal())
        if settings.kafka_is_embedded:
            return cls(_kept_secret(settings.data_dir / "secret.key"))
        raise Refusal(
            MISCONFIGURED,
            "secret_key_missing",
            "FRIENDSTREAM_SECRET_KEY is needed: the secrets of connections are kept in a Kafka that is not embedded.",
            next_step="make one with `openssl rand -base64 32`, keep it safe, and give it to every role",
        )

    def seal(self, plain: bytes, context: str) -> Box:
        """Seal for one context, for example `connections/1/channel_secret`."""
        return Box(self.id, base64.b64encode(self.seal_bytes(plain, context)).decode())

    def seal_bytes(self, plain: bytes, context: str) -> bytes:
        """Seal for one context; the bytes of the box, without the key's id."""
        nonce = token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, box: Box, context: str) -> bytes:
        """What was sealed; raises NotOpened."""
        if box.key != self.id:
            raise NotOpened(f"sealed with the key {box.key}, this is {self.id}: FRIENDSTREAM_SECRET_KEY has changed")
        try:
            raw = base64.b64decode(box.box, validate=True)
        except ValueError:
            raise NotOpened("the box is damaged") from None
        return self.open_bytes(raw, context)

    def open_bytes(self, raw: bytes, context: str) -> bytes:
        """What was sealed with `seal_bytes` of this key; raises NotOpened."""
        try:
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):
            raise NotOpened(f"the box is damaged, or was sealed for something else than {context}") from None


def _derived(secret: str, purpose: bytes, size: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=size, salt=None, info=purpose).derive(secret.encode())


def _kept_secret(path: Path) -> str:
    """The secret in the file; made by the first of all processes that ask."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(token_bytes(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)  # unlike a rename this never replaces the one that somebody else just made
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    found = path.read_text(encoding="ascii", errors="replace").strip()
    if len(found) < 32:
        raise Refusal(
            MISCONFIGURED,
            "secret_key_damaged",
            "The key that seals the secrets of connections is damaged.",
            where=str(path),
            next_step="restore the file from a backup; without one, remove it and add every connection again",
        )
    return found
