"""A Faust table whose changelog we write ourselves.

Law: the changelog is acknowledged before the local row changes, so local state never runs ahead of what survives. Keys
and values are raw bytes: a table row, a changelog record and the public record of friends.v1 are the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import faust
from faust.types import TP

from processors import row_store
from processors.row_store import ReadRow
from runtime.appender import Appender, Outgoing
from runtime.log_reader import read_log

State = tuple[bytes, bytes]


class StateTable(faust.Table[bytes, bytes]):
    """The friends of this worker's partitions."""

    app: Any
    data: Any

    def rows(self, partition: int) -> ReadRow:
        """How to read a row of this partition."""
        return row_store.reader(self.data, partition)

    async def append(self, appender: Appender, partition: int, states: Sequence[State]) -> int | None:
        """Write states to the changelog partition and wait; returns the last offset.

        Our records must follow each other without a gap: this costs nothing and detects a second writer.
        """
        if not states:
            return None
        before = self._known_ends().get(partition)
        if before is None:
            before = self._recovered_up_to(partition)
        last = await appender.append(self.changelog_topic_name, partition, _outgoing(states))
        if last is None or last != before + len(states):
            last = await self._overrule(appender, partition, before + 1, last or 0, dict(states))
        self._known_ends()[partition] = last
        return last

    def apply(self, partition: int, states: Iterable[State], last: int | None) -> None:
        """Change the local rows. No await in it: nobody sees half of a run. `last` = offset of the append, if any."""
        row_store.write(self.data, partition, states, last)

    async def _overrule(
        self, appender: Appender, partition: int, first: int, last: int, ours: dict[bytes, bytes]
    ) -> int:
        """A worker that had lost this partition woke up and wrote into it.

        If the group still confirms us, our rows are the truth: write them again, after the foreign records. If not, we
        are that worker, and LeaseLost ends the process.
        """
        await self.app.confirmed_owner()
        keys = await self._keys_between(partition, first, last)
        read = self.rows(partition)
        again: list[Outgoing] = [(key, ours.get(key) or read(key), []) for key in keys]
        self.log.error(
            "foreign records in %s/%s, %d to %d: %d rows written again",
            self.changelog_topic_name, partition, first, last, len(again),
        )  # fmt: skip
        self.app.overruled += len(again)
        end = await appender.append(self.changelog_topic_name, partition, again)
        if end is None:
            return last
        return end if end == last + len(again) else await self._overrule(appender, partition, last + 1, end, ours)

    async def _keys_between(self, partition: int, first: int, last: int) -> list[bytes]:
        """The keys of a changelog range, each once."""
        keys: dict[bytes, None] = {}
        brokers = ",".join(f"{url.host}:{url.port}" for url in self.app.conf.broker_consumer)
        topic = self.changelog_topic_name
        async for record in read_log(brokers, topic, partitions=[partition], start={partition: first}):
            if record.offset <= last and record.key is not None:
                keys[record.key] = None
        return list(keys)

    def _recovered_up_to(self, partition: int) -> int:
        """The last changelog offset that recovery has put in the table; -1 for an empty partition."""
        return int(self.app.tables.recovery.active_highwaters[TP(self.changelog_topic_name, partition)])

    def _known_ends(self) -> dict[int, int]:
        """Last offset we know of, by partition; forgotten at every rebalance."""
        generation, ends = self.__dict__.get("_ends_of_generation", (None, {}))
        if generation != self.app.consumer_generation_id:
            ends = {}
            self.__dict__["_ends_of_generation"] = (self.app.consumer_generation_id, ends)
        return ends  # type: ignore[no-any-return]  # kept in __dict__: a Faust table is made by cloning attributes


def changelog_topic(app: Any, name: str) -> Any:
    """The topic given to Table(changelog_topic=...), described as Faust describes its own.

    With acks=True it would count as a source and be seeked with them; without allow_empty tombstones depend on the
    codec.
    """
    return app.topic(
        name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw",
        acks=False, internal=True, compacting=True, allow_empty=True, maxsize=131_072,
    )  # fmt: skip


def _outgoing(states: Iterable[State]) -> list[Outgoing]:
    return [(key, value, []) for key, value in states]
