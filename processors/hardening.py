"""Faust 0.15.3 made at-least-once (facts: stock Faust loses events in ten ways).

Laws
1. An offset is committed only when every record before it was acknowledged, counted from where reading really started.
2. An exception in an agent ends the process before Faust can acknowledge the event that raised.
3. A failed produce, or a dead group coordination, ends the process.
4. The lease is renewed by confirmed heartbeats only, so that who may have lost its partitions does not write.

A lane is a topic whose records reach the agent as whole runs: one Faust event per fetch and partition, its value the
list of aiokafka records, its offset the last one. Every source topic of this app is a lane. Each private name of Faust
and aiokafka that is touched here has a test of its own in tests/unit/processors/test_private_names.py.
"""
# ruff: noqa: SLF001  the one place, with bulk_recovery, row_store and web_mount, that reaches inside Faust and aiokafka

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import faust
import faust.transport.drivers.aiokafka as driver
from faust.types import TP

from processors.watermark import Hole, Watermark
from runtime.clock import monotonic
from runtime.lease import Lease, LeaseLost
from runtime.process import die
from runtime.refusal import INTERNAL

LONG_POLL_MS = 100  # Faust fixes 1500: how long an idle fetch may wait
BUFFERS_FULL_SECONDS = 0.005  # stock waits 1 s when every buffer is full
OTHERS_SECONDS = 0.02  # stock waits 1 s for the other partitions while some are full


class LeasedThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, with early answers to long polls, confirmed heartbeats told to the lease."""

    app: Any
    _consumer: Any

    def _create_worker_consumer(self, transport: Any) -> Any:
        client = super()._create_worker_consumer(transport)
        client._fetch_max_wait_ms = LONG_POLL_MS
        return client

    async def on_start(self) -> None:
        """Start the consumer, then listen to its heartbeats."""
        await super().on_start()
        coordinator, lease = self._consumer._coordinator, self.app.lease
        beat, begin = coordinator._do_heartbeat, coordinator._start_heartbeat_task

        async def leased_beat() -> bool:
            sent_at = monotonic()
            good: bool = await beat()
            if good:
                lease.renew(sent_at)
            return good

        def leased_begin() -> None:  # a join is as good as a heartbeat
            lease.renew(monotonic())
            begin()

        coordinator._do_heartbeat, coordinator._start_heartbeat_task = leased_beat, leased_begin

    async def seek_to_committed(self) -> Any:
        """Seek every partition with one request; aiokafka's own asks once per partition, one after the other."""
        return await self.call_thread(self._seek_to_committed)

    async def _seek_to_committed(self) -> dict[TP, int | None]:
        client = self._consumer
        found = await client._coordinator.fetch_committed_offsets(client.assignment())
        offsets: dict[TP, int | None] = {}
        for where in client.assignment():
            offset = found[where].offset if where in found else -1
            if offset > 0:
                client._fetcher.seek_to(where, offset)
            offsets[TP(where.topic, where.partition)] = offset if offset >= 0 else None
        return offsets


class LaneConsumer(driver.Consumer):
    """Hands whole runs to the agent and commits by the strict watermark."""

    app: Any
    _committed_offset: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watermark: Watermark[TP] = Watermark()

    def _new_consumer_thread(self) -> LeasedThread:
        return LeasedThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """One message per fetch and lane; changelog records one by one, as Faust's recovery wants them."""
        records, active = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        if not self.flow_active:  # a rebalance came while we were fetching
            await self._seek_again()
            return
        generation = self.app.consumer_generation_id
        for where, run in records.items():
            tp = TP(where.topic, where.partition)
            for message in self._messages(tp, run):
                if self._interrupted(generation):
                    return
                if tp in active or tp in self._buffered_partitions:
                    yield tp, message
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))

    def _interrupted(self, generation: int) -> bool:
        return not self.flow_active or self.app.consumer_generation_id != generation

    def _messages(self, tp: TP, run: list[Any]) -> list[Any]:
        if tp.topic not in self.app.lanes:
            return [self._to_message(tp, record) for record in run]
        message: Any = self._to_message(tp, run[-1])
        message.key, message.value, message.headers = None, run, None
        return [message]

    async def _wait_next_records(self, timeout: float) -> Any:
        if self.flow_active and self._buffered_partitions:
            if not self._get_active_partitions():
                await asyncio.sleep(BUFFERS_FULL_SECONDS)
                return {}, set()
            timeout = OTHERS_SECONDS
        return await super()._wait_next_records(timeout)

    async def perform_seek(self) -> None:
        """Called when recovery is complete and nothing is in hand: from here on, acknowledgements count."""
        self.watermark.begin(await self._seek_sources())

    async def _seek_again(self) -> None:
        try:
            await self._seek_sources()
        except Exception as trouble:  # the rebalance that is under way seeks again; a dead consumer ends elsewhere
            self.log.warning("seek while the flow is stopped: %r", trouble)

    async def _seek_sources(self) -> dict[TP, int]:
        """Every source partition to its committed offset; one without, to its beginning. Returns where reading starts.

        Stock leaves a partition without committed offset wherever the last fetch left it, and what that fetch brought
        may have been thrown away.
        """
        await super().perform_seek()
        sources = [tp for tp in self.assignment() if tp.topic in self.app.lanes]
        earliest = await self.earliest_offsets(*sources)
        fresh = {tp: earliest[tp] for tp in sources if self._committed_offset[tp] is None}
        if fresh:
            await self.seek_wait(fresh)
        return {tp: max(self._committed_offset[tp] or 0, earliest[tp]) for tp in sources}

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Nothing is committed until the next seek: what finishes meanwhile is read again."""
        self.watermark.forget()
        await super().on_partitions_revoked(revoked)

    def ack(self, message: Any) -> bool:
        """Acknowledge a run: its first and last offset count, not the one that stands for it."""
        if message.topic in self.app.lanes and not message.acked:
            self.watermark.acknowledge(message.tp, message.value[0].offset, message.offset + 1)
        return bool(super().ack(message))

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if tp.topic not in self.app.lanes:  # the offset of a run is its last: what lies before it is no gap
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: the strict watermark, never Faust's own guess."""
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        try:
            end = self.watermark.advance(tp)
        except Hole as hole:
            die(INTERNAL, f"hole in {hole}")
        return end if end is not None and end > (self._committed_offset[tp] or 0) else None


class _FailFast(faust.Sensor):
    def on_send_error(self, producer: Any, exc: BaseException, state: Any) -> None:
        die(INTERNAL, f"Faust's own producer failed: {exc!r}")


class HardenedApp(faust.App):
    """A faust.App that obeys the laws above; `lanes` = its source topics, all read as whole runs."""

    transport: Any
    _consumer: Any

    def __init__(self, *args: Any, lanes: frozenset[str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.lanes = lanes
        self.lease = Lease(self.conf.broker_session_timeout)
        self.overruled = 0
        self.recovered: list[Callable[[], Awaitable[None]]] = []
        self.transport.Consumer = LaneConsumer
        self.sensors.add(_FailFast())

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """Faust calls this before the stream would acknowledge the event that raised."""
        if isinstance(exc, LeaseLost):
            die(INTERNAL, f"lease lost: {exc}")
        traceback.print_exception(exc, file=sys.__stderr__)
        die(INTERNAL, f"an agent raised {type(exc).__name__}: nothing of its run was acknowledged")

    async def on_first_start(self) -> None:
        """Start, and from then on ask whether group coordination is alive."""
        await super().on_first_start()
        threading.Thread(target=self._watch_group, daemon=True, name="group-watchdog").start()

    def _watch_group(self, every: float = 5.0) -> None:
        """Faust never asks aiokafka whether group coordination died; its timers start only after the first recovery."""
        wakeup = threading.Event()
        while not wakeup.wait(every):
            if self.should_stop:
                return
            client = getattr(getattr(self._consumer, "_thread", None), "_consumer", None)
            coordinator = getattr(client, "_coordinator", None)
            if not hasattr(coordinator, "_coordination_task"):
                continue  # not started yet, or a group without coordination
            try:
                coordinator.check_errors()  # type: ignore[union-attr]  # it has the attribute that was asked for
            except BaseException as trouble:
                die(INTERNAL, f"group coordination died: {trouble!r}")

    async def confirmed_owner(self) -> None:
        """Wait for a good heartbeat that was sent after now, in the same generation; else raise LeaseLost."""
        asked, generation = monotonic(), self.consumer_generation_id
        while self.lease.renewed_at <= asked:
            self.lease.check()
            await asyncio.sleep(0.05)
        if self.consumer_generation_id != generation:
            raise LeaseLost("the group has another generation")

    def ready(self) -> bool:
        """Assigned, recovered, not rebalancing."""
        if self._consumer is None or not self.tables.actives_ready or self.rebalancing:
            return False
        return bool(self._consumer.assignment())

    def lags(self) -> dict[str, int]:
        """Records behind the log end that this worker knows of, by source topic; own partitions only."""
        lags = dict.fromkeys(self.lanes, 0)
        if self._consumer is not None and self.ready():
            for tp, handled in self._consumer.watermark.handled().items():
                lags[tp.topic] += max(0, (self._consumer.highwater(tp) or 0) - handled)
        return lags

    def owned_partitions(self) -> set[int]:
        """Partition numbers of the friends that live here."""
        if not self.ready():
            return set()
        return {tp.partition for tp in self._consumer.assignment() if tp.topic in self.lanes}
