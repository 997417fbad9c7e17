from __future__ import annotations

import asyncio
import errno
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest

from ingress.append import KafkaAppend
from ingress.producer import Unavailable
from ingress.records import KafkaRecord
from ingress.room import Room
from ingress.spool.contents import Contents
from ingress.spool.disk_thread import DiskThread
from ingress.spool.spool import Spool, SpoolRefused
from ingress.spool.store import SpoolStore
from ingress.spooled_append import Patience, SpooledAppend
from ingress.tally import Tally
from runtime.appender import partition_of
from runtime.sealing import SealingKey
from tests.unit.ingress.spool.breaking_disk import BreakingDisk, fail
from tests.unit.ingress.spool.kafka_that_fails import FailingKafka

KEY = SealingKey("a key for tests only, never for anything else")
PARTITIONS = 3
QUICK = Patience(
    tick=0.002, slow_ticks=3, hold=0.5, shortest_stay=0.0, longest_stay=0.0, first_pause=0.002, longest_pause=0.01
)
STAYING = Patience(tick=0.002, slow_ticks=3, hold=0.5, shortest_stay=3600.0, first_pause=0.002, longest_pause=0.01)


def record(number: int, key: bytes = b"U1", size: int = 10) -> KafkaRecord:
    return KafkaRecord("line.events.v1", partition_of(key, PARTITIONS), key, b"x" * size, [], number)


@dataclass
class World:
    kafka: FailingKafka
    disk: BreakingDisk
    append: SpooledAppend
    spool: Spool
    tally: Tally
    room: Room
    stop: Callable[[], Awaitable[None]]

    async def put(self, *numbers: int, key: bytes = b"U1") -> None:
        await asyncio.gather(*[self.append.append([record(number, key)]) for number in numbers])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110  what is waited for is of another kind each time
                await asyncio.sleep(0.001)

    async def until_drained(self) -> None:
        await self.until(lambda: not self.append.spooling and not self.spool.bytes)

    def shown(self, name: str) -> float:
        lines = self.tally.render().decode().splitlines()
        return float(next(line for line in lines if line.startswith(name + " ")).split()[1])


Make = Callable[..., Awaitable[World]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def build(
            *,
            disk: BreakingDisk | None = None,
            kafka: FailingKafka | None = None,
            patience: Patience = QUICK,
            limit: int = 10_000_000,
        ) -> World:
            disk, kafka = disk or BreakingDisk(), kafka or FailingKafka()
            room = Room(1000, 10_000_000)
            tally, thread = Tally(room), DiskThread()
            thread.start()
            spool = Spool(SpoolStore(disk, Contents(KEY), limit), thread, spooled=tally.spooled)
            tally.spool = spool
            await spool.open()
            lanes = KafkaAppend(kafka, room, report=tally.trouble)  # type: ignore[arg-type]  # a fake
            append = SpooledAppend(lanes, kafka, spool, room, tally, partitions=PARTITIONS, patience=patience)
            append.start()

            async def stop() -> None:
                await append.stop()
                await spool.close(1)
                await thread.stop(1)

            stack.push_async_callback(stop)
            return World(kafka, disk, append, spool, tally, room, stop)

        yield build


async def test_while_kafka_answers_nothing_touches_the_disk(make: Make) -> None:
    world = await make()
    await world.put(1, 2, 3)
    assert world.kafka.first_seen() == {b"U1": [1, 2, 3]}
    assert world.disk.names() == []
    assert world.append.standing == "kafka"


async def test_what_kafka_refuses_and_all_that_waits_goes_to_the_spool_and_is_safe(make: Make) -> None:
    world = await make(patience=STAYING)
    world.kafka.fault = OSError()
    await world.put(1, 2, 3)
    await world.put(4)
    assert world.append.standing == "spool"
    assert (world.shown("spooled_events_total"), world.shown("spool_events")) == (4, 4)
    assert world.shown("spool_bytes") == world.spool.bytes > 0
    assert world.kafka.log == {}


async def test_what_is_not_acknowledged_in_time_goes_to_the_spool(make: Make) -> None:
    world = await make()
    world.kafka.gate.clear()
    await world.put(1)
    await world.put(2)
    assert world.append.spooling
    world.kafka.gate.set()
    await world.until_drained()
    assert world.kafka.first_seen() == {b"U1": [1, 2]}
    assert world.disk.names() == ["position"]
    assert world.shown("drained_events_total") == 2


async def test_the_order_holds_over_the_way_there_and_back(make: Make) -> None:
    world = await make()
    await world.put(1)
    world.kafka.fault = OSError()
    await world.put(2, 3)
    world.kafka.fault = None
    await world.put(4)
    await world.until_drained()
    await world.put(5)
    assert world.kafka.first_seen() == {b"U1": [1, 2, 3, 4, 5]}


async def test_the_spool_waits_while_there_is_no_producer_and_is_drained_in_steps_when_there_is(make: Make) -> None:
    world = await make(kafka=FailingKafka(ready=False))
    assert world.append.spooling
    for start in range(0, 3000, 100):
        await world.put(*range(start, start + 100))
    assert world.kafka.batches == 0
    world.kafka.ready = True
    await world.until_drained()
    assert world.kafka.first_seen() == {b"U1": list(range(3000))}
    assert world.shown("drained_events_total") == 3000


async def test_after_a_restart_the_spool_comes_first(make: Make) -> None:
    first = await make(kafka=FailingKafka(ready=False))
    await first.put(1, 2)
    await first.stop()
    second = await make(disk=first.disk)
    assert second.append.spooling
    await second.put(3)
    await second.until_drained()
    await second.put(4)
    assert second.kafka.first_seen() == {b"U1": [1, 2, 3, 4]}


async def test_what_an_earlier_run_left_is_drained_when_the_disk_can_be_read_only_later(make: Make) -> None:
    first = await make(kafka=FailingKafka(ready=False))
    await first.put(1, 2)
    await first.stop()
    first.disk.faults["prepare"] = fail(errno.EIO)
    second = await make(disk=first.disk, patience=replace(QUICK, check_ticks=5))
    assert second.append.standing == "kafka, the spool refuses: EIO"
    await second.put(3, key=b"U2")
    await second.until(lambda: b"U1" in second.kafka.first_seen())
    await second.until_drained()
    await second.put(4)
    assert second.kafka.first_seen() == {b"U1": [1, 2, 4], b"U2": [3]}


async def test_a_spool_that_is_full_refuses_and_takes_again_once_it_is_drained(make: Make) -> None:
    world = await make(kafka=FailingKafka(ready=False), limit=250)
    await world.put(1)
    with pytest.raises(SpoolRefused, match="full"):
        await world.put(2, 3, 4)
    assert world.append.standing == "spool, the spool refuses: full"
    assert not world.append.takes
    world.kafka.ready = True
    await world.until_drained()
    assert world.append.takes
    await world.put(5)


async def test_a_disk_that_is_well_again_is_seen_without_an_event(make: Make) -> None:
    world = await make(kafka=FailingKafka(ready=False))
    world.disk.faults["create"] = fail(errno.EROFS)
    with pytest.raises(SpoolRefused, match="EROFS"):
        await world.put(1)
    world.kafka.ready = True
    await world.until(lambda: world.append.standing == "kafka")
    assert "probe" not in world.disk.names()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
async def test_trouble_of_the_disk_refuses_at_once_and_kafka_alone_goes_on(make: Make, code: int) -> None:
    world = await make(patience=STAYING)
    world.disk.faults["create"] = fail(code)
    world.kafka.fault = OSError()
    with pytest.raises(SpoolRefused, match=errno.errorcode[code]):
        await world.put(1)
    await world.put(2)
    assert world.spool.trouble is None


async def test_a_disk_that_hangs_holds_nobody_who_gives_up_and_is_told(make: Make) -> None:
    world = await make(kafka=FailingKafka(ready=False))
    released = threading.Event()
    world.disk.faults["sync"] = released.wait  # type: ignore[assignment]  # what it returns does not matter
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await world.put(1)
    await world.until(lambda: world.spool.trouble == "stuck")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await world.put(2)
    assert not world.append.takes
    released.set()
    await world.put(3)
    assert world.append.takes


async def test_a_record_that_kafka_will_never_take_is_kept_aside_and_the_others_go_on(make: Make) -> None:
    world = await make(kafka=FailingKafka(ready=False))
    await world.put(1, 2)
    poison = KafkaRecord("dead.letters.v1", 0, b"U1", b"poison", [], 9)
    await world.append.append([record(3), poison, record(4)])
    world.kafka.untakeable = b"poison"
    world.kafka.ready = True
    await world.until_drained()
    assert sorted(n for numbers in world.kafka.first_seen().values() for n in numbers) == [1, 2, 3, 4]
    assert [name for name in world.disk.names() if name.startswith("refused-")]


async def test_of_two_records_of_one_size_that_kafka_will_never_take_both_are_kept(make: Make) -> None:
    world = await make()
    for value in (b"poison one", b"poison two"):
        await world.spool.refuse(KafkaRecord("dead.letters.v1", 0, b"U1", value, [], 9))
    assert len([name for name in world.disk.names() if name.startswith("refused-")]) == 2


async def test_a_caller_who_gave_up_before_the_disk_took_it_is_not_spooled(make: Make) -> None:
    world = await make(kafka=FailingKafka(ready=False))
    hasty = asyncio.create_task(world.put(1))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.sleep(0.01)
    await world.put(2)
    assert world.shown("spool_events") <= 2


async def test_nothing_to_append_is_done_at_once(make: Make) -> None:
    world = await make(kafka=FailingKafka(ready=False))
    await world.append.append([])


@pytest.mark.parametrize("seed", range(12))
async def test_under_any_weather_every_acknowledged_event_lands_and_each_key_in_order(make: Make, seed: int) -> None:
    """Kafka fails, hangs, lands what it refuses, goes and comes back while many write: seeded."""
    chance = random.Random(seed)
    world = await make()
    keys = [b"U%d" % n for n in range(6)]
    sent: dict[bytes, list[int]] = {key: [] for key in keys}
    over = False

    async def friend(key: bytes) -> None:
        number = 0
        while not over:
            number += 1
            try:
                await world.append.append([record(number, key)])
            except Unavailable:
                continue
            sent[key].append(number)
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.003]))

    async def weather() -> None:
        for _ in range(25):
            world.kafka.fault = chance.choice([None, None, OSError()])
            world.kafka.lands = chance.random() < 0.5
            world.kafka.ready = chance.random() < 0.8
            (world.kafka.gate.set if chance.random() < 0.7 else world.kafka.gate.clear)()
            if chance.random() < 0.1:
                world.disk.faults[chance.choice(["write", "sync", "create"])] = fail(errno.EIO)
            await asyncio.sleep(chance.uniform(0, 0.03))
        world.kafka.fault, world.kafka.ready = None, True
        world.kafka.gate.set()

    friends = [asyncio.create_task(friend(key)) for key in keys]
    await weather()
    await asyncio.sleep(0.05)
    over = True
    await asyncio.gather(*friends)
    await world.until_drained()
    for key, numbers in sent.items():
        found = world.kafka.first_seen().get(key, [])
        assert set(numbers) <= set(found), "an acknowledged event is missing"
        assert found == sorted(found), "out of order"
    await world.until(lambda: world.room.bytes == 0)
    await world.until(lambda: world.append.standing == "kafka")
