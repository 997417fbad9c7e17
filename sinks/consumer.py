"""The consumer of a sink.

Law: auto-commit is off, and there is no automatic offset: a vanished one stops the sink.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer

from runtime.appender import LARGEST_RECORD
from runtime.settings import Settings


def make_consumer(settings: Settings, brokers: str, *, role: str, group: str) -> Any:
    """A member of `group`, not started yet."""
    session_ms = int(settings.session_seconds * 1000)
    return AIOKafkaConsumer(
        bootstrap_servers=brokers,
        client_id=f"friendstream-{role}",
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=max(100, min(3000, session_ms // 6)),
        max_partition_fetch_bytes=LARGEST_RECORD,
        fetch_max_wait_ms=100,
    )
