"""A sink's place in its group: the generation it writes as, and the lease that its heartbeats give.

Law: every touch of a private aiokafka name of the sinks is here. aiokafka does not say when a heartbeat was sent, and
counting from its answer would hold the lease too long.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer

from runtime.clock import monotonic
from runtime.lease import Lease


class Membership:
    """Watches the heartbeats of one consumer; `attach` once, after its start and before it subscribes."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._coordinator: Any = None
        self._beat: Any = None

    def attach(self, consumer: AIOKafkaConsumer) -> None:
        """Renew the lease with every heartbeat that the coordinator confirms."""
        self._coordinator = consumer._coordinator  # noqa: SLF001  no public name
        self._beat = self._coordinator._do_heartbeat  # noqa: SLF001  no public name
        self._coordinator._do_heartbeat = self.beat  # noqa: SLF001  no public name

    async def beat(self) -> bool:
        """Send a heartbeat; True when the coordinator confirmed it."""
        sent_at = monotonic()
        confirmed = bool(await self._beat())
        if confirmed:
            self._lease.renew(sent_at)
        return confirmed

    @property
    def generation(self) -> int:
        """The group's generation that this member belongs to; negative when to none."""
        return int(self._coordinator.generation)
