"""The registry's transaction on real Kafka: numbers are unique whatever happens at once."""

import asyncio
import contextlib
import sys

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from registry.log import TRANSACTIONAL_ID, Known, Registry, load, read_known
from registry.portal import keep_portal
from runtime.log_reader import read_log
from runtime.refusal import Refusal
from schemas.connections import ConnectionRecord
from schemas.topics import CONNECTIONS

WRITER = """
import asyncio, sys
from registry.log import Registry
from schemas.connections import ConnectionRecord

async def main(brokers, name, count):
    registry = Registry(brokers, tries=60)
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(count):
        record = await registry.transact(lambda known: ConnectionRecord(
            number=max(known, default=0) + 1, status="draft", name=name, channel_id=f"{name}-{turn}",
            created_at=1, version=0))
        print(record.number, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def connection(number: int, **fields: object) -> ConnectionRecord:
    known = {"status": "draft", "name": "Shop", "channel_id": f"20{number}", "created_at": 1, "version": 0}
    return ConnectionRecord(**{"number": number, **known, **fields})  # type: ignore[arg-type]  # fields of the test


async def test_two_processes_that_write_at_once_never_share_a_number(brokers: str) -> None:
    """Three processes take eight numbers each, as fast as they can: 24 different ones, none skipped."""
    writers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, brokers, name, "8"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for name in ("left", "middle", "right")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert await writer.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*[writer.communicate(b"go\n") for writer in writers])
    assert [writer.returncode for writer in writers] == [0, 0, 0], outputs
    numbers = [int(line) for out, _ in outputs for line in out.split()]
    assert sorted(numbers) == list(range(1, 25))
    assert len({record.channel_id for record in (await load(brokers)).values()}) == 24


async def test_tasks_of_one_process_never_share_a_number(brokers: str) -> None:
    async def take(turn: int) -> int:
        record = await Registry(brokers, tries=60).transact(
            lambda known: connection(max(known, default=0) + 1, channel_id=str(turn))
        )
        return record.number

    assert sorted(await asyncio.gather(*[take(turn) for turn in range(5)])) == [1, 2, 3, 4, 5]


async def test_a_fenced_writer_decides_again_on_the_newer_log(brokers: str) -> None:
    """A writer that was overtaken between its decision and its commit gives its number up."""
    seen: list[list[int]] = []

    async def overtake() -> None:
        await Registry(brokers).transact(lambda known: connection(max(known, default=0) + 1, name="fast"))

    class Overtaken(Registry):
        async def _once(self, settle):  # type: ignore[no-untyped-def]  # the shape of the parent
            def slow(known: Known):  # type: ignore[no-untyped-def]
                seen.append(sorted(known.connections))
                if len(seen) == 1:
                    done = asyncio.run_coroutine_threadsafe(overtake(), other)
                    done.result(30)
                return settle(known)

            return await super()._once(slow)

    other = asyncio.new_event_loop()
    turning = asyncio.get_running_loop().run_in_executor(None, other.run_forever)
    record = await Overtaken(brokers).transact(lambda known: connection(max(known, default=0) + 1, name="slow"))
    other.call_soon_threadsafe(other.stop)
    await turning
    other.close()
    assert seen == [[], [1]]
    assert record.number == 2
    assert {n: r.name for n, r in (await load(brokers)).items()} == {1: "fast", 2: "slow"}


async def test_a_writer_that_died_in_its_transaction_changes_nothing(brokers: str) -> None:
    dying = AIOKafkaProducer(bootstrap_servers=brokers, transactional_id=TRANSACTIONAL_ID)
    await dying.start()
    await dying.begin_transaction()
    await dying.send_and_wait(CONNECTIONS.name, msgspec.json.encode(connection(1, name="ghost")), b"1", partition=0)
    record = await Registry(brokers).transact(lambda known: connection(max(known, default=0) + 1, name="living"))
    assert record.number == 1
    assert [r.name for r in (await load(brokers)).values()] == ["living"]
    with contextlib.suppress(ProducerFenced):
        await dying.abort_transaction()
    await dying.stop()


async def test_what_decide_raises_ends_the_transaction_and_appends_nothing(brokers: str) -> None:
    def refuse(_: object) -> ConnectionRecord:
        raise Refusal(4, "already_connected", "no")

    with pytest.raises(Refusal) as refused:
        await Registry(brokers).transact(refuse)
    assert refused.value.exit_code == 4
    assert await load(brokers) == {}


async def test_an_unchanged_record_is_not_appended_and_a_changed_one_gets_the_next_version(brokers: str) -> None:
    registry = Registry(brokers)
    first = await registry.transact(lambda _: connection(1))
    same = await registry.transact(lambda known: known[1])
    changed = await registry.transact(lambda known: msgspec.structs.replace(known[1], name="Other"))
    assert (first.version, same.version, changed.version) == (1, 1, 2)
    assert len([r async for r in read_log(brokers, CONNECTIONS.name, read_committed=True)]) == 2


async def test_the_first_portal_stays_the_only_one(brokers: str) -> None:
    registry = Registry(brokers)
    first = await keep_portal(registry, 111)
    assert await keep_portal(registry, 111) == first
    with pytest.raises(Refusal) as refused:
        await keep_portal(registry, 222)
    assert refused.value.exit_code == 78
    assert (await read_known(brokers)).portal == first
    assert await load(brokers) == {}


async def test_a_broker_that_is_away_is_a_refusal_69() -> None:
    with pytest.raises(Refusal) as refused:
        await Registry("127.0.0.1:1").transact(lambda _: connection(1))
    assert refused.value.exit_code == 69
