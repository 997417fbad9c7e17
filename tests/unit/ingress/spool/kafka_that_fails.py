"""A producer over a log in memory that is away, slow, or loses an acknowledgement, as told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from ingress.producer import Unavailable


@dataclass
class Batch:
    values: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    limit: int = 50

    def append(self, *, key: bytes, value: bytes, timestamp: int, headers: Any) -> object | None:
        if len(self.values) >= self.limit:
            return None
        self.values.append((key, value, timestamp))
        return self

    def close(self) -> None:
        pass


@dataclass
class FailingKafka:
    """`log` has (key, timestamp) per partition, in order. `gate` holds acknowledgements back while it is not set."""

    log: dict[int, list[tuple[bytes, int]]] = field(default_factory=dict)
    ready: bool = True
    fault: Exception | None = None
    lands: bool = False  # whether a batch that is refused is in the log all the same
    untakeable: bytes | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    batches: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def new_batch(self) -> Batch:
        if not self.ready:
            raise Unavailable("ProducerReplaced")
        return Batch()

    async def send(self, batch: Batch, topic: str, partition: int) -> None:
        self.batches += 1
        await asyncio.sleep(0)
        await self.gate.wait()
        if self.untakeable is not None and any(value == self.untakeable for _, value, _ in batch.values):
            raise MessageSizeTooLargeError
        if self.fault is None or self.lands:
            self.log.setdefault(partition, []).extend((key, at) for key, _, at in batch.values)
        if self.fault is not None:
            raise self.fault

    def first_seen(self) -> dict[bytes, list[int]]:
        """Per key, the numbers in the order in which each came first."""
        seen: dict[bytes, list[int]] = {}
        for records in self.log.values():
            for key, number in records:
                if number not in seen.setdefault(key, []):
                    seen[key].append(number)
        return seen


class MessageSizeTooLargeError(Exception):
    """Named as aiokafka's."""
