"""The live view of the registry on real Kafka."""

import asyncio

import msgspec
from aiokafka import AIOKafkaProducer

from registry.log import TRANSACTIONAL_ID, Registry
from registry.view import ConnectionsView
from schemas.codec import encode
from schemas.connections import ConnectionRecord
from schemas.topics import CONNECTIONS


def connection(number: int, name: str) -> ConnectionRecord:
    return ConnectionRecord(
        number=number, status="connected", name=name, channel_id=str(number), created_at=1, version=0
    )


async def shows(view: ConnectionsView, number: int, name: str) -> None:
    async with asyncio.timeout(20):
        while (record := view.get(number)) is None or record.name != name:
            await view.changed.wait()
            view.changed.clear()


async def test_a_view_starts_at_the_end_of_the_log_and_follows_it(brokers: str) -> None:
    registry = Registry(brokers)
    await registry.transact(lambda _: connection(1, "first"))
    view = ConnectionsView(brokers)
    await view.start()
    assert [record.name for record in view.all()] == ["first"]
    await registry.transact(lambda known: msgspec.structs.replace(known[1], name="renamed"))
    await registry.transact(lambda _: connection(2, "second"))
    await shows(view, 1, "renamed")
    await shows(view, 2, "second")
    assert view.get(3) is None
    await view.stop()


async def test_a_view_never_shows_what_was_not_committed(brokers: str) -> None:
    view = ConnectionsView(brokers)
    await view.start()
    ghost = AIOKafkaProducer(bootstrap_servers=brokers, transactional_id=TRANSACTIONAL_ID)
    await ghost.start()
    await ghost.begin_transaction()
    await ghost.send_and_wait(CONNECTIONS.name, encode(connection(1, "ghost")), b"1", partition=0)
    await ghost.abort_transaction()
    await ghost.stop()
    await Registry(brokers).transact(lambda _: connection(2, "real"))
    await shows(view, 2, "real")
    assert view.get(1) is None
    await view.stop()
