"""The processes of friendstream in a simulated world: the fold's owner and the HubSpot sink, both of the real code.

The fold is the real FoldAgent over the real StateTable's way to append; only what Faust does around it (joining,
recovering, acknowledging runs in order) is written here. The sink is the real HubSpotSink with its real client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from clients.hubspot.contacts import CONTACTS, ContactsApi
from clients.hubspot.troubles import Refused
from domain.contact_properties import GROUP_NAME, connection_properties
from domain.policy import FoldPolicy
from processors.flow import FlowCounters
from processors.fold_agent import FoldAgent
from processors.state_table import StateTable
from runtime.clock import monotonic, now_ms
from runtime.lease import Lease, LeaseLost
from runtime.metrics import Metrics
from runtime.settings import Settings
from schemas import topics
from sinks.hubspot import sink as sink_module
from sinks.hubspot.portal import Portal
from sinks.membership import Membership
from tests.simulation.hubspot import TOKEN, URL, HubSpotWorld, SimulatedSession
from tests.simulation.kafka import Consumer, Kafka, SimulatedAppender

COMMIT_SECONDS = 2.8
_PROPERTIES = CONTACTS.replace("objects", "properties")

Applied = Callable[[bytes, bytes | None, bytes, int], None]  # friend, old row, new row, partition


class Table:
    """The fold's rows: memory here, appended to friends.v1 by the real code."""

    changelog_topic_name = topics.FRIENDS.name
    append = StateTable.append
    _overrule = StateTable._overrule
    _keys_between = StateTable._keys_between

    def __init__(self, app: Any, applied: Applied) -> None:
        self.app, self._applied = app, applied
        self.log = SimpleNamespace(error=lambda *_given: app.overrules())
        self._rows: dict[int, dict[bytes, bytes]] = {}
        self._ends: dict[int, int] = {}
        self._recovered: dict[int, int] = {}

    def recovered(self, partition: int, rows: dict[bytes, bytes], last: int) -> None:
        self._rows[partition], self._recovered[partition] = rows, last

    def forget(self) -> None:
        self._rows.clear()
        self._ends.clear()
        self._recovered.clear()

    def rows(self, partition: int) -> Callable[[bytes], bytes | None]:
        return self._rows[partition].get

    def apply(self, partition: int, states: Iterable[tuple[bytes, bytes]], last: int | None) -> None:
        for key, value in states:
            self._applied(key, self._rows[partition].get(key), value, partition)
            self._rows[partition][key] = value

    def _known_ends(self) -> dict[int, int]:
        return self._ends

    def _recovered_up_to(self, partition: int) -> int:
        return self._recovered[partition]


class FoldOwner:
    """One worker: joins, recovers its rows, folds runs, acknowledges them in order."""

    def __init__(self, kafka: Kafka, settings: Settings, policy: FoldPolicy, applied: Applied, name: str,
                 overrules: Callable[[], None] = lambda: None) -> None:  # fmt: skip
        self._kafka = kafka
        self.overrules = overrules
        self.lease = Lease(settings.session_seconds)
        self._membership = Membership(self.lease)
        self.conf = SimpleNamespace(broker_consumer=[])
        self.overruled = 0
        self._table = Table(self, applied)
        appender: Any = SimulatedAppender(kafka, client_id=name, guard=self.lease.check)
        table: Any = self._table
        self._agent = FoldAgent(table, appender, policy, FlowCounters(Metrics("fold")), now_ms)
        self._consumer: Any = Consumer(kafka, topics.FOLD_GROUP)
        self._acked: dict[TopicPartition, int] = {}
        self._working = asyncio.Lock()
        self._epoch = 0
        self._owned: frozenset[int] = frozenset()
        self._broken: asyncio.Future[None] = kafka.loop.create_future()

    async def run(self) -> None:
        """Work until killed; any trouble of I/O ends the process."""
        await self._consumer.start()
        self._membership.attach(self._consumer)
        self._consumer.subscribe([topic.name for topic in topics.FOLD_SOURCES], self)
        committing = asyncio.create_task(self._commit_now_and_then())
        reading = asyncio.create_task(self._read())
        ends = [committing, reading, self._broken]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            if end.done():
                end.result()

    async def confirmed_owner(self) -> None:
        """As processors.hardening does it."""
        asked, generation = monotonic(), self._membership.generation
        while self.lease.renewed_at <= asked:
            self.lease.check()
            await asyncio.sleep(0.05)
        if self._membership.generation != generation:
            raise LeaseLost("the group has another generation")

    async def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        self._epoch += 1
        self._owned = frozenset()
        async with self._working:
            await self._commit()
            self._table.forget()
            self._acked.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        try:
            await self._recover(assigned)
        except KafkaError as trouble:
            self._broken.set_exception(trouble)

    async def _recover(self, assigned: Iterable[TopicPartition]) -> None:
        await self._membership.beat()
        epoch = self._epoch
        for partition in sorted({tp.partition for tp in assigned}):
            rows: dict[bytes, bytes] = {}
            last = -1
            async for record in self._kafka.read_log("", topics.FRIENDS.name, partitions=[partition]):
                last = record.offset
                if record.key is not None and record.value is not None:
                    rows[record.key] = record.value
            self._table.recovered(partition, rows, last)
        if epoch == self._epoch:
            self._epoch += 1
            self._owned = frozenset(tp.partition for tp in assigned)

    async def _read(self) -> None:
        while True:
            if not self._owned:
                await asyncio.sleep(0.1)
                continue
            epoch = self._epoch
            most = self._kafka.loop.random.choice([1, 3, 50])
            runs = await self._consumer.getmany(timeout_ms=1000, max_records=most)
            for tp, run in runs.items():
                async with self._working:
                    if epoch != self._epoch:
                        self._consumer.give_back(tp, run[0].offset)
                        continue
                    await self._agent.handle(tp.topic, tp.partition, run)
                    self._acked[tp] = run[-1].offset + 1

    async def _commit_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            await self._commit()

    async def _commit(self) -> None:
        if self._acked:
            try:
                await self._consumer.commit(dict(self._acked))
            except KafkaError:
                return


async def ensure_properties(api: ContactsApi, numbers: Iterable[int]) -> None:
    """Make the properties of these connections, as clients.hubspot.properties does with HubSpot's own client."""
    _status, _headers, listed = await api._call("GET", _PROPERTIES)
    there = {one["name"] for one in listed["results"]}
    for number in sorted(numbers):
        for one in [one for one in connection_properties(number) if one.name not in there]:
            options = [{"label": label, "value": value, "hidden": False} for value, label in one.options]
            kind = {"type": one.type, "fieldType": one.field_type, "groupName": GROUP_NAME, "options": options}
            try:
                await api._call("POST", _PROPERTIES, body={"name": one.name, "label": one.label, **kind})
            except Refused as refused:
                if refused.answer.status != 409:
                    raise


def make_sink(settings: Settings, hubspot: HubSpotWorld) -> sink_module.HubSpotSink:
    """A sink, to be run in its own process."""
    session: Any = SimulatedSession(hubspot)
    api = ContactsApi(URL, TOKEN, session)

    async def check(_portal: int) -> None:
        return

    portal = Portal(api, check_portal=check, ensure_properties=lambda numbers: ensure_properties(api, numbers))
    return sink_module.HubSpotSink(settings, "simulated:9092", portal, Metrics("hubspot"))
