"""Local rows, in memory and on disk, behind the same functions."""

from __future__ import annotations

from typing import Any

import pytest
from faust.types import TP

from processors import row_store
from schemas import topics


@pytest.fixture(params=["memory", "rocksdb"])
async def store(request: pytest.FixtureRequest, app_of: Any) -> Any:
    return app_of(request.param).friends.data


async def test_rows_are_put_read_and_deleted(store: Any) -> None:
    row_store.write(store, 1, [(b"a", b"1"), (b"b", b"2")])
    read = row_store.reader(store, 1)
    assert (read(b"a"), read(b"b"), read(b"c")) == (b"1", b"2", None)
    row_store.write(store, 1, [(b"a", None), (b"b", b"3"), (b"never", None)])
    assert (read(b"a"), read(b"b")) == (None, b"3")
    assert list(row_store.values(store, [1])) == [b"3"]


async def test_the_offset_is_written_with_the_rows_it_stands_for(app_of: Any) -> None:
    store = app_of("rocksdb").friends.data
    where = TP(topics.FRIENDS.name, 2)
    assert store.persisted_offset(where) is None
    row_store.write(store, 2, [(b"a", b"1")], 41)
    assert store.persisted_offset(where) == 41
    assert list(row_store.values(store, [2])) == [b"1"], "the offset is no row"


async def test_partitions_on_disk_are_apart(app_of: Any) -> None:
    store = app_of("rocksdb").friends.data
    row_store.write(store, 0, [(b"a", b"1")])
    assert row_store.reader(store, 1)(b"a") is None


async def test_rows_in_memory_leave_with_their_partition(app_of: Any) -> None:
    store = app_of("memory").friends.data
    row_store.write(store, 0, [(b"a", b"1")])
    row_store.write(store, 1, [(b"b", b"2")])
    assert row_store.count(store) == 2
    await store.on_recovery_completed({TP(topics.FRIENDS.name, 1)}, set())
    assert row_store.reader(store, 1)(b"b") == b"2"
    assert row_store.count(store) == 1


async def test_some_row_of_a_partition_is_found_and_none_of_another(store: Any) -> None:
    assert row_store.any_key(store, 1) is None
    row_store.write(store, 2, [(b"x", b"1")], 7)
    row_store.write(store, 1, [(b"a", b"1")], 5)
    assert (row_store.any_key(store, 1), row_store.any_key(store, 2)) == (b"a", b"x")
