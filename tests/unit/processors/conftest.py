"""Records as aiokafka hands them over, and events to put into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from processors.app import FoldApp, make_app
from runtime.settings import Settings
from schemas import topics

FRIEND = "U" + "a" * 32
NOW = 1_763_800_000_000


@dataclass
class SourceRecord:
    """The parts of an aiokafka ConsumerRecord that the fold looks at."""

    value: bytes | None
    key: bytes | None = FRIEND.encode()
    offset: int = 0
    topic: str = topics.EVENTS.name
    partition: int = 3
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def event_of(text: str = "hi", *, friend: str | None = FRIEND, at: int = NOW, number: int = 0, **source: Any) -> bytes:
    where = {"type": "user", "userId": friend} if friend else source
    event = {
        "type": "message",
        "timestamp": at + number,
        "source": where,
        "webhookEventId": f"01K{number:023d}",
        "message": {"id": str(1000 + number), "type": "text", "text": text},
    }
    return orjson.dumps({"connection": 1, "received_at": at + number, "origin": "webhook", "event": event})


@pytest.fixture
def message() -> Callable[..., SourceRecord]:
    def build(text: str = "hi", *, friend: str = FRIEND, offset: int = 0, **parts: Any) -> SourceRecord:
        return SourceRecord(event_of(text, friend=friend, number=offset), friend.encode(), offset, **parts)

    return build


@pytest.fixture
def app_of(tmp_path: Path) -> Callable[..., FoldApp]:
    """Builds a worker's app that is never started: no Kafka is asked."""

    def make(store: str = "memory", **settings: str) -> FoldApp:
        environ = {"FRIENDSTREAM_DATA_DIR": str(tmp_path), "FRIENDSTREAM_STORE": store}
        environ |= {"FRIENDSTREAM_KAFKA": "127.0.0.1:1"} | {f"FRIENDSTREAM_{n.upper()}": v for n, v in settings.items()}
        (tmp_path / "fold").mkdir(exist_ok=True)
        app = make_app(Settings.load(environ), "127.0.0.1:1", lambda view: web.Application(), partitions=4)
        app.finalize()
        return app

    return make
