"""`python -m bench.peers.quix`: the same fold on Quix Streams 3, with the same outputs as our worker.

Per event: parse, our domain, state in Quix's RocksDB with its changelog, and the changes, requests and decisions that
follow. Tuned: a commit every second, linger 20 ms, large batches, idempotent producer.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.models import SerializationContext, Serializer

from bench.peers.turn import fold_one
from schemas.topics import EVENTS

CHANGES, REQUESTS, DECISIONS = OUTPUTS = ("bench.quix.changes", "bench.quix.requests", "bench.quix.decisions")
TUNED: dict[str, Any] = {
    "commit_interval": 1.0,
    "producer_extra_config": {
        "linger.ms": 20,
        "batch.num.messages": 10_000,
        "batch.size": 1 << 20,
        "queue.buffering.max.messages": 1_000_000,
        "enable.idempotence": True,
    },
    "consumer_extra_config": {"session.timeout.ms": 10_000},
}
Output = tuple[str, bytes]


class SecondOfPair(Serializer):
    """Writes the bytes of a pair of topic and bytes."""

    def __call__(self, value: Output, ctx: SerializationContext) -> bytes:
        return value[1]


def make_app(brokers: str, data_dir: Path) -> Application:
    """The app; the output topics must exist."""
    app = Application(
        broker_address=brokers, consumer_group="bench-quix", auto_offset_reset="earliest", state_dir=data_dir, **TUNED
    )
    events = app.topic(EVENTS.name, key_deserializer="bytes", value_deserializer="bytes")
    outputs = {name: app.topic(name, key_serializer="bytes", value_serializer=SecondOfPair()) for name in OUTPUTS}

    def fold(value: bytes, key: bytes, timestamp: int, headers: Any, state: State[str, bytes]) -> list[Output]:
        context = message_context()
        made = fold_one(key, state.get_bytes("row"), context.partition, context.offset, value)
        if made.state is not None:
            state.set_bytes("row", made.state)
        return [
            *((CHANGES, change) for change in made.changes),
            *((REQUESTS, request) for request in made.requests),
            *((DECISIONS, decision) for decision in made.decisions),
        ]

    results = app.dataframe(events).apply(fold, stateful=True, metadata=True, expand=True)
    results = results.set_headers(lambda value, key, timestamp, headers: [])
    results.to_topic(lambda value, key, timestamp, headers: outputs[value[0]])
    return app


if __name__ == "__main__":
    make_app(sys.argv[1], Path(sys.argv[2])).run()
