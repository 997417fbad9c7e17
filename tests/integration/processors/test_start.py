"""When a worker refuses to start."""

from __future__ import annotations

from typing import Any

from confluent_kafka.admin import AdminClient, NewPartitions

from runtime.topics import create_topics
from schemas import topics as declared


async def test_history_without_states_is_refused(topics: Any, world: Any, start_worker: Any, until: Any) -> None:
    await world.tell(("U" + "1" * 32, "hello"))
    worker = start_worker()
    await until(worker.ready)

    async def folded() -> bool:
        return await world.behind() == 0

    await until(folded)
    await worker.stop()
    impatient = start_worker()
    await until(impatient.document)
    assert await impatient.stop() == 0, "asked to stop before it was ready"
    admin = AdminClient({"bootstrap.servers": world.brokers})
    admin.delete_topics([declared.FRIENDS.name], operation_timeout=10)[declared.FRIENDS.name].result()
    await until(lambda: declared.FRIENDS.name not in admin.list_topics(timeout=10).topics)

    without_topic = start_worker()
    assert await without_topic.ended() == 78
    assert "missing topics: friends.v1" in without_topic.said()

    await create_topics(world.brokers, topics)
    without_states = start_worker()
    assert await without_states.ended() == 78
    assert "re-create contacts that people deleted" in without_states.said()


async def test_topics_of_different_partition_counts_are_refused(world: Any, start_worker: Any) -> None:
    admin = AdminClient({"bootstrap.servers": world.brokers})
    admin.create_partitions([NewPartitions(declared.RESULTS.name, 6)])[declared.RESULTS.name].result()
    worker = start_worker()
    assert await worker.ended() == 78
    assert "line.results.v1 6" in worker.said()


async def test_kafka_away_ends_with_69_after_a_bounded_wait(start_worker: Any) -> None:
    worker = start_worker("a", "with-little-patience", kafka="127.0.0.1:1")
    assert await worker.ended() == 69
    assert "Kafka did not answer" in worker.said()
