"""Table recovery at the speed of the disk, and in the right order.

Laws
1. Recovery ends where Faust's own recovery ends: librdkafka fills the rows up to the high-water marks that Faust has
   read; Faust's unchanged code then seeks behind them, reads what is left and declares the table ready.
2. Nothing is fetched from a source between its seek and the clearing of the queues.
"""
# ruff: noqa: SLF001  see hardening

from __future__ import annotations

import asyncio
import threading
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP

from processors import row_store
from runtime.clock import monotonic

AT_ONCE = 20_000


class BulkRecovery(Recovery):
    """Faust's recovery with a fast reader, and with the flow stopped while it seeks."""

    app: Any
    tp_to_table: Any
    bulk_seconds: float = 0.0
    bulk_records: int = 0

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Stop the flow first: stock resumes the sources, seeks them, then clears the queues.

        What was fetched between seek and clearing would be thrown away and never read again.
        """
        self.app.consumer.stop_flow()
        await super().on_recovery_completed(generation_id)
        if self.app.ready():
            for tell in self.app.recovered:
                await tell()

    async def _build_offsets(self, consumer: Any, tps: set[TP], destination: Any, title: str) -> None:
        await super()._build_offsets(consumer, tps, destination, title)
        todo = {tp: destination[tp] for tp in tps if self.active_highwaters[tp] > destination[tp]}
        if title != "active" or not todo:
            return
        cancelled, began = threading.Event(), monotonic()
        try:
            count = await asyncio.get_running_loop().run_in_executor(None, self._load, todo, destination, cancelled)
        finally:
            cancelled.set()  # the next rebalance cancels this coroutine; the thread must follow
        self.bulk_records, self.bulk_seconds = count, monotonic() - began

    def _load(self, todo: dict[TP, int], destination: Any, cancelled: threading.Event) -> int:
        reader = Consumer(self._reader_settings())
        count = 0
        try:
            reader.assign([_after(tp, done) for tp, done in todo.items()])
            left = {tp: self.active_highwaters[tp] for tp in todo}
            while left and not cancelled.is_set():
                runs, at_end = _sorted(reader.consume(AT_ONCE, 0.2))
                for tp, run in runs.items():
                    if cancelled.is_set():
                        return count
                    count += len(run)
                    self._fill(tp, run)
                    destination[tp] = run[-1].offset()
                for tp, high in list(left.items()):
                    if tp in at_end or destination[tp] >= high:
                        destination[tp] = max(destination[tp], high)
                        del left[tp]
        finally:
            reader.close()
        return count

    def _fill(self, tp: TP, run: list[Message]) -> None:
        rows = ((message.key() or b"", message.value()) for message in run)
        row_store.write(self.tp_to_table[tp].data, tp.partition, rows, run[-1].offset())

    def _reader_settings(self) -> dict[str, str | int | float | bool]:
        return {
            "bootstrap.servers": ",".join(f"{url.host}:{url.port}" for url in self.app.conf.broker_consumer),
            "group.id": "-",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,  # the last offsets may be compacted away: no record would tell the end
            "fetch.queue.backoff.ms": 5,
            "queued.min.messages": 100_000,
            "queued.max.messages.kbytes": 65_536,
            "fetch.message.max.bytes": 4 << 20,
        }


class BulkTableManager(TableManager):
    """Faust's table manager with BulkRecovery in it."""

    @property
    def recovery(self) -> Recovery:
        """The one recovery service of this worker."""
        if self._recovery is None:
            self._recovery = BulkRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


def _after(tp: TP, done: int) -> TopicPartition:
    return TopicPartition(tp.topic, tp.partition, done + 1 if done >= 0 else OFFSET_BEGINNING)


def _sorted(messages: list[Message]) -> tuple[dict[TP, list[Message]], set[TP]]:
    """Messages by partition, and the partitions that are read to their end."""
    runs: dict[TP, list[Message]] = {}
    at_end: set[TP] = set()
    for message in messages:
        tp, error = TP(message.topic() or "", message.partition() or 0), message.error()
        if error is None:
            runs.setdefault(tp, []).append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            at_end.add(tp)
        elif error.fatal():
            raise KafkaException(error)  # what is not fatal passes, or ends with Faust's limit of one recovery step
    return runs, at_end
