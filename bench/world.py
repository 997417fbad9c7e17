"""The world a section is measured in: one real Kafka, fresh topics, child processes, a directory that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from bench.child import Child
from runtime.embedded_kafka import EmbeddedKafka
from runtime.settings import Settings
from runtime.topics import create_topics

PARTITIONS = 12
SECRET_KEY = "a key for the bench only, never for anything else"


class World:
    """Use it as a context manager; Kafka starts with it and every child ends with it."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="friendstream-bench-", ignore_cleanup_errors=True)
        self.path = Path(self._directory.name)
        self.kafka = EmbeddedKafka(self.path / "broker")
        self._children: list[Child] = []
        self._numbers = itertools.count(1)
        self._kept_admin: AdminClient | None = None

    def __enter__(self) -> World:
        self.kafka.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, trouble: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            with contextlib.suppress(Exception):
                child.kill()
        self.kafka.stop()
        self._directory.cleanup()

    @property
    def brokers(self) -> str:
        return self.kafka.address

    def directory(self) -> Path:
        """A new empty directory."""
        path = self.path / f"d{next(self._numbers)}"
        path.mkdir()
        return path

    def environ(self, data_dir: Path, **settings: object) -> dict[str, str]:
        """The environment of a role."""
        values = {
            "kafka": self.brokers,
            "data_dir": data_dir,
            "ingress_bind": "127.0.0.1:0",
            "web_bind": "127.0.0.1:0",
            "partitions": PARTITIONS,
            "secret_key": SECRET_KEY,
        } | settings
        return {f"FRIENDSTREAM_{name.upper()}": str(value) for name, value in values.items()}

    def fresh_topics(self, data_dir: Path, *, keep: Sequence[str] = ()) -> Settings:
        """Delete every topic but `keep`, and every group; create the contract's topics; the settings used."""
        admin = self._admin()
        names = [name for name in _topics(admin) if name not in keep]
        if names:
            for gone in admin.delete_topics(names, operation_timeout=20).values():
                gone.result(timeout=30)
            while set(names) & set(_topics(admin)):
                time.sleep(0.05)
        groups = [group.group_id for group in admin.list_consumer_groups().result(timeout=20).valid or []]
        for group in groups:
            self._forget(admin, group)
        settings = Settings.load(self.environ(data_dir))
        asyncio.run(create_topics(self.brokers, settings))
        return settings

    def create_topics(self, names: Sequence[str]) -> None:
        """Create topics that are not of the contract."""
        admin = self._admin()
        for made in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
            made.result(timeout=20)

    def written(self, topic: str) -> int:
        """How many records were ever written to the topic."""
        where: Any = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in range(PARTITIONS)}
        for _ in range(50):
            found: Any = self._admin().list_offsets(where, isolation_level=IsolationLevel.READ_UNCOMMITTED)
            try:
                return sum(offset.result(timeout=20).offset for offset in found.values())
            except KafkaException:  # a topic of this name was deleted and made anew
                self._kept_admin = None
                time.sleep(0.1)
        raise RuntimeError(f"the end of {topic} cannot be read")

    def wait_committed(self, group: str, count: int, timeout: float = 30.0) -> None:
        """Wait until the group has committed so many records."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            asked = self._admin().list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
            offsets = asked[group].result(timeout=20).topic_partitions
            if sum(max(0, place.offset) for place in offsets) >= count:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{group} has not committed {count} records within {timeout:.0f} s")

    def _admin(self) -> AdminClient:
        if self._kept_admin is None:
            self._kept_admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})
        return self._kept_admin

    def child(self, name: str, arguments: Sequence[str], environ: dict[str, str]) -> Child:
        """Start a Python process."""
        child = Child(name, arguments, environ, self.path / f"{next(self._numbers)}-{name}.log")
        self._children.append(child)
        return child

    def role(self, role: str, data_dir: Path, **settings: object) -> Child:
        """Start `friendstream run ROLE`."""
        return self.child(role, ["-m", "cli.main", "run", role], self.environ(data_dir, **settings))

    @contextlib.contextmanager
    def running(self, child: Child) -> Iterator[Child]:
        """The child, stopped at the end."""
        try:
            yield child
        finally:
            child.stop()

    def _forget(self, admin: AdminClient, group: str) -> None:
        for _ in range(100):  # a member that was killed holds its group until its session ends
            try:
                for gone in admin.delete_consumer_groups([group]).values():
                    gone.result(timeout=20)
                return
            except KafkaException:
                time.sleep(0.3)


def _topics(admin: AdminClient) -> list[str]:
    found: Any = admin.list_topics(timeout=20).topics
    return [name for name in found if not name.startswith("__")]
