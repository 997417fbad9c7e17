"""The last known registry, kept sealed on this machine.

Law: it is replaced as a whole, readable by its owner only, and holds nothing in clear. It says what was, so it counts
only while Kafka is away.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from runtime.logs import logger
from runtime.sealing import Box, NotOpened, SealingKey
from runtime.settings import Settings
from schemas.connections import ConnectionRecord

_CONTEXT = "registry/snapshot"


class Snapshot(msgspec.Struct, frozen=True):
    """Every connection, and how many partitions the topics have that are written while Kafka is away."""

    connections: tuple[ConnectionRecord, ...]
    partitions: dict[str, int]


class _Sealed(msgspec.Struct, frozen=True):
    key: str
    box: str


class SnapshotFile:
    """DATA_DIR/registry.snapshot; its calls wait for the disk."""

    def __init__(self, path: Path, key: SealingKey) -> None:
        self._path = path
        self._key = key

    @classmethod
    def of(cls, settings: Settings, key: SealingKey) -> SnapshotFile:
        """The one of these settings."""
        return cls(settings.data_dir / "registry.snapshot", key)

    def load(self) -> Snapshot | None:
        """What was kept; None when there is none that can be read. Raises NotOpened when another key sealed it."""
        try:
            sealed = msgspec.json.decode(self._path.read_bytes(), type=_Sealed)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, ValueError) as trouble:
            logger(__name__).error("the kept registry cannot be read (%s)", type(trouble).__name__)
            return None
        if sealed.key != self._key.id:
            raise NotOpened(f"{self._path.name} was sealed with the key {sealed.key}, this is {self._key.id}")
        try:
            return msgspec.json.decode(self._key.open(Box(sealed.key, sealed.box), _CONTEXT), type=Snapshot)
        except (NotOpened, msgspec.MsgspecError) as trouble:
            logger(__name__).error("the kept registry is damaged (%s)", type(trouble).__name__)
            return None

    def save(self, snapshot: Snapshot) -> None:
        """Replace what is kept, durably; raises OSError, after which the one before counts."""
        box = self._key.seal(msgspec.json.encode(snapshot), _CONTEXT)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(_Sealed(box.key, box.box)))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
