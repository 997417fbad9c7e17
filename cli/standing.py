"""How things stand: lag of the three groups, what is outstanding, blocked, parked and dead, and the roles' own words.

Law: idle means that nothing is left to do: no lag, no change outstanding, no rewrite wanted, an empty spool, and no
sink that waits for somebody. Blocked and parked friends are idle, and counted.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from domain.dead_letters import LetterBook
from domain.outcomes import PARKED
from runtime.appender import LARGEST_RECORD
from runtime.letter_log import note
from runtime.process import read_document, run_document_path
from runtime.process_table import is_alive
from runtime.settings import Settings
from schemas.topics import (
    CHANGES,
    DEAD_LETTERS,
    FOLD_GROUP,
    FOLD_SOURCES,
    FRIENDS,
    HUBSPOT_GROUP,
    LINE_GROUP,
    REQUESTS,
    Topic,
)

READS: Mapping[str, tuple[Topic, ...]] = {
    FOLD_GROUP: FOLD_SOURCES,
    HUBSPOT_GROUP: (CHANGES,),
    LINE_GROUP: (REQUESTS,),
}
ROLES = ("broker", "ingress", "fold", "hubspot", "line")


class BlockedRow(msgspec.Struct, frozen=True):
    """The part of `blocked` that is counted."""

    code: str = ""


class SentRow(msgspec.Struct, frozen=True):
    """That a change is open is all that counts."""


class Row(msgspec.Struct, frozen=True):
    """The part of a friend's state that says whether something is still to come."""

    sent: SentRow | None = None
    rewrite: bool = False
    blocked: BlockedRow | None = None


class Role(msgspec.Struct, frozen=True):
    """What a role says of itself; `waiting_for` = the trouble that holds it up, in a code."""

    ready: bool
    pid: int | None = None
    url: str | None = None
    waiting_for: str | None = None
    spool_bytes: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One reading."""

    ready: bool
    idle: bool
    lag: dict[str, int]
    outstanding: int
    rewrite: int
    blocked: int
    parked: int
    blocked_codes: dict[str, int]
    friends: int
    dead_letters: int
    spool_bytes: int
    roles: dict[str, Role]
    ends: dict[str, int]


class StandingReader:
    """Reads how things stand, again and again, without reading a topic twice."""

    def __init__(self, settings: Settings, brokers: str) -> None:
        self._settings = settings
        self._admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=brokers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=LARGEST_RECORD,
        )
        self._rows: dict[bytes, Row] = {}
        self._letters = LetterBook()
        self._partitions: dict[str, list[TopicPartition]] = {}
        self._decode = msgspec.json.Decoder(Row).decode

    async def __aenter__(self) -> "StandingReader":
        await self._admin.start()
        await self._consumer.start()
        names = [topic.name for topics in READS.values() for topic in topics] + [FRIENDS.name, DEAD_LETTERS.name]
        for found in await self._admin.describe_topics(names):
            if not found["error_code"]:
                where = [TopicPartition(found["topic"], part["partition"]) for part in found["partitions"]]
                self._partitions[found["topic"]] = where
        followed = self._followed()
        self._consumer.assign(followed)
        if followed:
            await self._consumer.seek_to_beginning(*followed)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def read(self) -> Standing:
        """One reading of everything; some milliseconds, but for the first, which reads friends.v1."""
        ends = await self._ends([*self._partitions])
        lag = {group: await self._lag(group, topics, ends) for group, topics in READS.items()}
        await self._catch_up(ends)
        roles = {role: self._role(role) for role in ROLES}
        rows = self._rows.values()
        codes = Counter(row.blocked.code for row in rows if row.blocked is not None)
        outstanding = sum(row.sent is not None for row in rows)
        rewrite = sum(row.rewrite and row.blocked is None for row in rows)
        spool = max(self._segment_bytes(), *(role.spool_bytes for role in roles.values()))
        waiting = [role.waiting_for for role in roles.values() if role.waiting_for]
        idle = not (any(lag.values()) or outstanding or rewrite or spool or waiting)
        expected = ROLES if self._settings.kafka_is_embedded else ROLES[1:]
        return Standing(
            ready=all(roles[role].ready for role in expected),
            idle=idle,
            lag=lag,
            outstanding=outstanding,
            rewrite=rewrite,
            blocked=sum(codes.values()),
            parked=sum(count for code, count in codes.items() if code.partition(":")[0] == PARKED),
            blocked_codes=dict(codes),
            friends=len(self._rows),
            dead_letters=await self._dead_letters(),
            spool_bytes=spool,
            roles={name: role for name, role in roles.items() if role.pid is not None},
            ends={topic: sum(ends[tp] for tp in where) for topic, where in self._partitions.items()},
        )

    async def _ends(self, topics: list[str]) -> dict[TopicPartition, int]:
        where = [tp for topic in topics for tp in self._partitions[topic]]
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(where) if where else {}
        return found

    async def _lag(self, group: str, topics: tuple[Topic, ...], ends: dict[TopicPartition, int]) -> int:
        committed = await self._admin.list_consumer_group_offsets(group)
        where = [tp for topic in topics for tp in self._partitions.get(topic.name, [])]
        unread = [tp for tp in where if tp not in committed or committed[tp].offset < 0]
        begins = await self._consumer.beginning_offsets(unread) if unread else {}
        return sum(max(0, ends[tp] - (begins[tp] if tp in begins else committed[tp].offset)) for tp in where)

    def _followed(self) -> list[TopicPartition]:
        return [tp for topic in (FRIENDS, DEAD_LETTERS) for tp in self._partitions.get(topic.name, [])]

    async def _dead_letters(self) -> int:
        """Letters that are kept and that nothing became of."""
        where = self._partitions.get(DEAD_LETTERS.name, [])
        begins = await self._consumer.beginning_offsets(where) if where else {}
        self._letters.forget_before({tp.partition: begin for tp, begin in begins.items()})
        return self._letters.open

    async def _catch_up(self, ends: dict[TopicPartition, int]) -> None:
        todo = [tp for tp in self._followed() if await self._consumer.position(tp) < ends[tp]]
        while todo:
            for tp, records in (await self._consumer.getmany(*todo, timeout_ms=100)).items():
                for record in records:
                    if tp.topic == FRIENDS.name:
                        self._note(record.key, record.value)
                    else:
                        note(self._letters, record)
            todo = [tp for tp in todo if await self._consumer.position(tp) < ends[tp]]

    def _note(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._rows.pop(key, None)
            return
        with suppress(msgspec.MsgspecError):  # a row that nobody can read is the fold's to report
            self._rows[key] = self._decode(value)

    def _role(self, name: str) -> Role:
        document = read_document(run_document_path(self._settings, name))
        if document is None:
            return Role(ready=False)
        lives, paused, spool = _lives(document.get("pid")), document.get("paused"), document.get("spool_bytes")
        return Role(
            ready=document.get("ready") is True and lives,
            pid=document.get("pid"),
            url=document.get("url"),
            waiting_for=paused if isinstance(paused, str) and lives else None,
            spool_bytes=spool if isinstance(spool, int) and lives else 0,
        )

    def _segment_bytes(self) -> int:
        """What is in the spool of this machine, whether or not an ingress runs to tell."""
        found = 0
        for segment in self._settings.data_dir.glob("spool/*.log"):
            with suppress(FileNotFoundError):  # drained in this moment
                found += segment.stat().st_size
        return found


def _lives(pid: object) -> bool:
    return isinstance(pid, int) and is_alive(pid)
