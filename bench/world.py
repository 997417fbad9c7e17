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

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

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
        admin = AdminClient({"bootstrap.servers": self.brokers})
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
