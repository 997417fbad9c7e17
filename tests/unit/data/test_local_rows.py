"""What is kept of a friend in a process, before and after an erasure."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiohttp import web

from domain.delivery import Written
from domain.policy import FoldPolicy
from processors import row_store
from processors.app import make_app
from processors.fold_run import RunFolder
from runtime.settings import Settings
from schemas import topics
from schemas.friends import read_friend_state

FRIEND, TEXT, AT = "U" + "a" * 32, "my card number is 1234", 1_763_800_000_000
KEY = FRIEND.encode()


@pytest.fixture(params=["memory", "rocksdb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The worker's table of one kind; Kafka is not asked."""
    (tmp_path / "fold").mkdir()
    environ = {"DATA_DIR": str(tmp_path), "STORE": request.param, "KAFKA": "127.0.0.1:1"}
    settings = Settings.load({f"FRIENDSTREAM_{name}": value for name, value in environ.items()})
    app = make_app(settings, "127.0.0.1:1", lambda view: web.Application(), partitions=4)
    app.finalize()
    return app.friends.data


def record(offset: int, origin: str, event: dict[str, Any]) -> SimpleNamespace:
    whole = {"timestamp": AT + offset, "source": {"type": "user", "userId": FRIEND}, "webhookEventId": str(offset)}
    value = {"connection": 1, "received_at": AT + offset, "origin": origin, "event": whole | event}
    return SimpleNamespace(
        topic=topics.EVENTS.name, partition=1, offset=offset, key=KEY, value=orjson.dumps(value), headers=[]
    )


def message(offset: int) -> SimpleNamespace:
    return record(offset, "webhook", {"type": "message", "message": {"type": "text", "id": "1", "text": TEXT}})


def fold(store: Any, *records: SimpleNamespace) -> None:
    """A run, applied as the worker does after its acknowledgement."""
    read = row_store.reader(store, 1)
    out = RunFolder(topics.EVENTS.name, 1, read, now=AT + 1000, policy=FoldPolicy()).fold(records)
    row_store.write(store, 1, out.states, records[-1].offset)


def erased(store: Any) -> bool:
    """Nothing of what was said, and who it was."""
    whole = b"".join(row_store.values(store, [1]))
    state = read_friend_state(row_store.reader(store, 1)(KEY) or b"")
    return TEXT.encode() not in whole and state.erased_at is not None and not state.connections


async def test_an_erased_row_takes_the_place_of_the_one_before(store: Any) -> None:
    fold(store, message(1))
    assert TEXT.encode() in b"".join(row_store.values(store, [1]))
    fold(store, record(2, "operator", {"type": "erase"}))
    assert erased(store)
    fold(store, message(1))
    assert erased(store), "and the same message again changes nothing"


async def test_an_erasure_repeated_on_restored_rows_erases_again(store: Any) -> None:
    """A backup of before the erasure brings the row back; the order, given again, ends it."""
    fold(store, message(1))
    backup = row_store.reader(store, 1)(KEY)
    fold(store, record(2, "operator", {"type": "erase"}))
    row_store.write(store, 1, [(KEY, backup)], 3)
    assert not erased(store)
    fold(store, record(4, "operator", {"type": "erase"}))
    assert erased(store)


def test_what_the_sink_remembers_of_a_write_is_no_content() -> None:
    assert {field.name for field in dataclasses.fields(Written)} == {"contact", "at", "trigger"}
