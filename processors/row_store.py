"""The local rows of the fold's table, past Faust's own ways in and out.

Law: rows are read and written by partition, as raw bytes, and never through Faust's changelog: what is written here is
acknowledged in the changelog already. With RocksDB, rows and the offset they stand for are written as one batch.
"""
# ruff: noqa: SLF001  see hardening

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Row = tuple[bytes, bytes | None]
ReadRow = Callable[[bytes], bytes | None]

ROCKSDB_OPTIONS = {
    "driver": "rocksdict",
    "block_cache_size": 8 << 20,  # Faust's default: 2 GiB, a partition
    "write_buffer_size": 16 << 20,
    "max_write_buffer_number": 3,
}


def on_disk(store: Any) -> bool:
    """Whether the table's rows are kept by RocksDB."""
    return hasattr(store, "_db_for_partition")


def reader(store: Any, partition: int) -> ReadRow:
    """How to read a row of this partition; asks no other partition and no index."""
    if on_disk(store):
        found: ReadRow = store._db_for_partition(partition).get
        return found
    in_memory: ReadRow = store.data.get
    return in_memory


def write(store: Any, partition: int, rows: Iterable[Row], offset: int | None = None) -> None:
    """Put rows, None deletes; `offset` = changelog offset up to which the local rows are now complete."""
    if on_disk(store):
        _write_to_disk(store, partition, rows, offset)
        return
    data, partitions = store.data, store._key_partition
    for key, value in rows:
        if value is None:
            data.pop(key, None)
            partitions.pop(key, None)
        else:
            data[key] = bytes(memoryview(value))  # a fresh copy has no slack: 12 % of a row
            partitions[key] = partition  # stock fills this in recovery only, so rows of lost partitions would stay


def values(store: Any, partitions: Iterable[int]) -> Iterator[bytes]:
    """Every row's bytes. In memory all rows are of own partitions."""
    if not on_disk(store):
        yield from list(store.data.values())
        return
    for partition in partitions:
        for key, value in store._db_for_partition(partition).items():
            if key != store.offset_key:
                yield value


def any_key(store: Any, partition: int) -> bytes | None:
    """Some row's key; None where the partition has no row."""
    if on_disk(store):
        items = store._db_for_partition(partition).items()
        return next((key for key, _ in items if key != store.offset_key), None)
    return next((key for key, where in store._key_partition.items() if where == partition), None)


def count(store: Any) -> int | None:
    """How many rows are held; None where counting would mean reading them all."""
    return None if on_disk(store) else len(store.data)


def _write_to_disk(store: Any, partition: int, rows: Iterable[Row], offset: int | None) -> None:
    import rocksdict

    batch = rocksdict.WriteBatch(raw_mode=True)
    for key, value in rows:
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    if offset is not None:
        batch.put(store.offset_key, b"%d" % offset)
    store._db_for_partition(partition).write(batch)
