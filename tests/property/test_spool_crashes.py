"""Whatever happens to the spool between two instructions, nothing that was acknowledged is missing afterwards."""

from __future__ import annotations

import contextlib
import errno

from hypothesis import given, settings
from hypothesis import strategies as st

from ingress.records import KafkaRecord
from ingress.spool.contents import Contents
from ingress.spool.store import SpoolStore
from runtime.sealing import SealingKey
from tests.unit.ingress.spool.breaking_disk import BreakingDisk, fail

KEY = SealingKey("a key for tests only, never for anything else")
OPERATIONS = ("create", "write", "sync", "sync_directory", "truncate", "remove")
LIMIT = 2 * 1024 * 1024  # segments of 128 KiB

steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.lists(st.sampled_from([10, 500, 40_000, 90_000]), min_size=1, max_size=4)),
        st.tuples(st.just("drain"), st.sampled_from([1, 2_000, 200_000])),
        st.tuples(st.just("fault"), st.sampled_from(OPERATIONS)),
        st.tuples(st.just("full"), st.sampled_from([0, 30, 20_000])),
        st.tuples(st.just("room"), st.just(0)),
        st.tuples(st.just("prepare"), st.just(0)),
        st.tuples(st.just("crash"), st.just(0)),
    ),
    max_size=25,
)


class World:
    """The spool, and what is known of it: numbers committed, acknowledged, and in Kafka."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._next = 0
        self.acknowledged: list[int] = []
        self.drained: set[int] = set()
        self.disk = BreakingDisk()
        self.store = self._opened()

    def commit(self, sizes: list[int]) -> None:
        batch = [self._record(size) for size in sizes]
        try:
            outcomes = self.store.commit([[one] for one in batch])
        except OSError:
            return
        self.acknowledged += [one.timestamp for one, out in zip(batch, outcomes, strict=True) if out.refused is None]

    def drain(self, limit: int) -> None:
        chunk = self.store.read(limit)
        self.drained |= {one.timestamp for one in chunk.records}
        self.store.advance(chunk)

    def fault(self, operation: str) -> None:
        self.disk.faults[operation] = fail(errno.EIO)

    def full(self, left: int) -> None:
        self.disk.capacity = self.disk.used() + left

    def prepare(self, _: int) -> None:
        with contextlib.suppress(OSError):
            self.store.prepare()

    def room(self, _: int) -> None:
        self.disk.capacity = None

    def crash(self, _: int) -> None:
        self.disk = self.disk.crashed(lambda most: self._data.draw(st.integers(0, most)))
        self.store = self._opened()

    def check(self) -> None:
        found = [one.timestamp for one in self.store.read(1 << 40).records]
        assert found == sorted(set(found)), "in order, each once"
        missing = set(self.acknowledged) - self.drained - set(found)
        assert not missing
        assert not self.store.damaged

    def _opened(self) -> SpoolStore:
        store = SpoolStore(self.disk, Contents(KEY), LIMIT)
        store.open()
        return store

    def _record(self, size: int) -> KafkaRecord:
        self._next += 1
        return KafkaRecord("dead.letters.v1", 0, b"k", bytes(size), [], self._next)


@settings(max_examples=150, deadline=None)
@given(steps=steps, data=st.data())
def test_all_that_was_acknowledged_is_there_in_order_after_any_crash_and_any_fault(
    steps: list[tuple[str, object]], data: st.DataObject
) -> None:
    world = World(data)
    for name, argument in steps:
        getattr(world, name)(argument)
        world.check()
    world.crash(0)
    world.check()
