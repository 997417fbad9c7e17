"""`python -m bench.peers.stock`: the same fold as an ordinary Faust app, as the tutorial would write it.

Per event: parse, our domain, one table write (its changelog is Faust's own), one `topic.send` (the decision). Faust's
defaults, its default event loop, and bytes as they are, so that its codecs cost nothing. It writes neither changes nor
requests, and it loses events in a crash (facts on Faust, section 2): it is here to be compared with only.
"""

from __future__ import annotations

import sys
from pathlib import Path

import faust

from bench.peers.turn import fold_one
from schemas.topics import EVENTS

OUTPUT = "bench.stock.decisions"


def make_app(brokers: str, data_dir: Path, partitions: int) -> faust.App:
    """The app; the output topic must exist."""
    app = faust.App(
        "bench-stock",
        broker=f"kafka://{brokers}",
        datadir=data_dir,
        topic_partitions=partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
    )
    events = app.topic(EVENTS.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    decisions = app.topic(OUTPUT, key_serializer="raw", value_serializer="raw")
    friends = app.Table("friends", partitions=partitions, key_type=bytes, value_type=bytes)

    @app.agent(events)
    async def fold(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            made = fold_one(
                event.key, friends.get(event.key), event.message.partition, event.message.offset, event.value
            )
            if made.state is not None:
                friends[event.key] = made.state
            await decisions.send(key=event.key, value=made.decisions[-1])

    return app


if __name__ == "__main__":
    servers, directory, count = sys.argv[1:4]
    sys.argv = [sys.argv[0], "worker", "-l", "warn"]
    make_app(servers, Path(directory), int(count)).main()
