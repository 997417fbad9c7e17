"""A sink's consumer and its place in the group."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from runtime.lease import Lease
from runtime.settings import Settings
from sinks import membership
from sinks.consumer import make_consumer
from sinks.membership import Membership


async def test_offsets_are_never_committed_or_chosen_by_aiokafka() -> None:
    consumer = make_consumer(Settings.load({}), "127.0.0.1:1", role="hubspot", group="g")
    assert consumer._enable_auto_commit is False
    assert consumer._auto_offset_reset == "none"


async def test_the_lease_counts_from_the_sending_of_a_heartbeat(monkeypatch: Any) -> None:
    """The coordinator's clock starts no later than its answer leaves; counting from the answer holds too long."""
    clock = [100.0]
    lease = Lease(6, now=lambda: clock[0])

    async def beat() -> bool:
        clock[0] += 2.5  # a slow answer
        return True

    monkeypatch.setattr(membership, "monotonic", lambda: clock[0])
    consumer: Any = SimpleNamespace(_coordinator=SimpleNamespace(_do_heartbeat=beat, generation=4))
    member = Membership(lease)
    member.attach(consumer)
    assert await consumer._coordinator._do_heartbeat()
    assert lease.renewed_at == 100.0
    assert member.generation == 4


async def test_a_heartbeat_that_is_not_confirmed_renews_nothing() -> None:
    lease = Lease(6)

    async def beat() -> bool:
        return False

    consumer: Any = SimpleNamespace(_coordinator=SimpleNamespace(_do_heartbeat=beat, generation=4))
    member = Membership(lease)
    member.attach(consumer)
    assert not await member.beat()
    assert not lease.held()
