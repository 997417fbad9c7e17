from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ingress.append import KafkaAppend
from ingress.producer import Unavailable
from ingress.records import KafkaRecord
from ingress.room import NoRoom, Room


class Batch:
    def __init__(self, limit: int) -> None:
        self.values: list[bytes] = []
        self._limit = limit

    def append(self, *, key: bytes, value: bytes, timestamp: int, headers: Any) -> object | None:
        if len(self.values) >= self._limit:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        pass


class FakeProducer:
    """Acknowledges a batch when told to; a fault in the list is raised instead."""

    def __init__(self, limit: int = 100) -> None:
        self.sent: list[tuple[int, list[bytes]]] = []
        self.faults: list[Exception] = []
        self.gate = asyncio.Event()
        self._limit = limit

    def new_batch(self) -> Batch:
        return Batch(self._limit)

    async def send(self, batch: Batch, topic: str, partition: int) -> None:
        self.sent.append((partition, batch.values))
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)


def record(value: bytes, partition: int = 0) -> KafkaRecord:
    return KafkaRecord("t", partition, b"k", value, [], 1)


def make(producer: FakeProducer, room: Room | None = None) -> KafkaAppend:
    return KafkaAppend(producer, room or Room(10, 10_000))  # type: ignore[arg-type]  # a fake


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_arrives_while_a_batch_is_in_flight_goes_into_the_next_one() -> None:
    producer = FakeProducer()
    append = make(producer)
    callers = [asyncio.create_task(append.append([record(b"1")]))]
    await turns()
    callers += [asyncio.create_task(append.append([record(b"%d" % n)])) for n in (2, 3, 4)]
    await turns()
    assert producer.sent == [(0, [b"1"])]
    producer.gate.set()
    await asyncio.gather(*callers)
    assert producer.sent == [(0, [b"1"]), (0, [b"2", b"3", b"4"])]


async def test_a_caller_waits_for_all_of_his_partitions() -> None:
    producer = FakeProducer()
    append = make(producer)
    caller = asyncio.create_task(append.append([record(b"1", 0), record(b"2", 1)]))
    await turns()
    assert sorted(producer.sent) == [(0, [b"1"]), (1, [b"2"])]
    assert not caller.done()
    producer.gate.set()
    await caller


async def test_a_full_batch_is_followed_by_another_in_order() -> None:
    producer = FakeProducer(limit=2)
    producer.gate.set()
    await make(producer).append([record(b"%d" % n) for n in range(5)])
    assert [values for _, values in producer.sent] == [[b"0", b"1"], [b"2", b"3"], [b"4"]]


async def test_a_refused_batch_fails_its_callers_and_those_behind_it_and_the_next_one_succeeds() -> None:
    producer = FakeProducer()
    producer.faults = [OSError("secret detail")]
    append = make(producer)
    first = asyncio.create_task(append.append([record(b"1")]))
    await turns()
    behind = asyncio.create_task(append.append([record(b"2")]))
    await turns()
    producer.gate.set()
    results = await asyncio.gather(first, behind, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    assert [str(result) for result in results] == ["OSError", "OSError"]
    await append.append([record(b"3")])
    assert producer.sent[-1] == (0, [b"3"])


async def test_a_caller_who_gives_up_harms_no_other_and_his_record_still_goes() -> None:
    producer = FakeProducer()
    append = make(producer)
    hasty, patient = (asyncio.create_task(append.append([record(value)])) for value in (b"1", b"2"))
    await turns()
    hasty.cancel()
    await turns()
    producer.gate.set()
    await patient
    assert producer.sent == [(0, [b"1", b"2"])]


async def test_room_is_refused_beyond_the_bound_and_given_back_after_the_acknowledgement() -> None:
    producer, room = FakeProducer(), Room(10, 10)
    append = make(producer, room)
    held = asyncio.create_task(append.append([record(b"12345678")]))
    await turns()
    with pytest.raises(NoRoom):
        await append.append([record(b"123")])
    held.cancel()
    await turns()
    assert room.bytes == 8, "a record that may still be sent is still held"
    producer.gate.set()
    await append.flush(1)
    assert room.bytes == 0


async def test_flush_waits_for_what_is_in_flight() -> None:
    producer = FakeProducer()
    append = make(producer)
    caller = asyncio.create_task(append.append([record(b"1")]))
    await turns()
    flushing = asyncio.create_task(append.flush(5))
    await turns()
    assert not flushing.done()
    producer.gate.set()
    await flushing
    await caller


async def test_nothing_to_append_is_done_at_once() -> None:
    await make(FakeProducer()).append([])
