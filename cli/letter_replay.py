"""Replaying and dropping dead letters.

Law: first what follows from a letter is appended and acknowledged, then that it was done: killed in between, the letter
is open still, and a second replay is a duplicate, which the fold knows how to ignore. Nothing is appended to a topic
whose records only their owner writes. What is put back is as old as its letter, but never older than half of the
topic's retention: Kafka would remove it before a reader that is away comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from cli.ingress_letters import IngressLetters
from domain.dead_letters import Letter, Place
from domain.letter_fate import Fate, fate_of
from domain.sweep import unanswered
from registry.log import load
from runtime.appender import Appender, Outgoing, partition_of
from runtime.clock import now_ms
from runtime.letter_log import letter_records
from runtime.log_reader import committed, partition_count, read_log
from runtime.sealing import SealingKey
from runtime.settings import Settings
from schemas.cloud_events import event_headers, outcome_headers
from schemas.codec import Unreadable, encode
from schemas.dead_letters import Outcome as Became
from schemas.dead_letters import original_headers, settlement_headers
from schemas.events import EventRecord, event_id
from schemas.friends import FriendState, read_friend_state
from schemas.topics import ALL, CHANGES, DEAD_LETTERS, EVENTS, FRIENDS, HUBSPOT_GROUP, OUTCOMES, retention_ms

_CHUNK_LETTERS, _CHUNK_BYTES = 200, 8 * 1024 * 1024

Append = tuple[str, int, Outgoing, int]  # topic, partition, record, Kafka's timestamp (ms)


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay does with one letter; `appended` = records of which topics."""

    letter: Letter
    fate: Fate
    appended: list[str]


@dataclass(slots=True)
class _Ground:
    """What is read before anything is decided: rows by key, then each key's newest change and the sink's places."""

    partitions: int
    oldest: dict[str, int]
    rows: dict[bytes, FriendState]
    newest_change: dict[bytes, int] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    ingress: IngressLetters | None = None
    settled: set[bytes] = field(default_factory=set)

    def stamp(self, topic: str, at: int) -> int:
        """Kafka's timestamp (ms) for a record of `at`."""
        return max(at, self.oldest[topic])


async def replay(settings: Settings, brokers: str, letters: Sequence[Letter], *, dry_run: bool) -> list[Replayed]:
    """Replay these letters, oldest first within a partition; `dry_run` appends nothing."""
    by_place = {letter.place: letter for letter in letters}
    ground = await _ground(settings, brokers, letters)
    appender = Appender(brokers, client_id="friendstream-cli")
    done: list[Replayed] = []
    try:
        async for chunk in _chunks(brokers, by_place):
            decided = [(letter, *_decide(ground, letter, record)) for letter, record in chunk]
            if not dry_run:
                await _carry_out(appender, decided)
            done += [
                Replayed(letter=letter, fate=fate, appended=[topic for topic, *_ in appends])
                for letter, fate, appends in decided
            ]
    finally:
        await appender.stop()
    return done


async def settle(brokers: str, letters: Iterable[Letter], became: Became) -> None:
    """Append that this became of these letters."""
    appender = Appender(brokers, client_id="friendstream-cli")
    try:
        await _settle(appender, [(letter, became) for letter in letters])
    finally:
        await appender.stop()


async def _ground(settings: Settings, brokers: str, letters: Sequence[Letter]) -> _Ground:
    rows = await rows_of(brokers, {letter.key for letter in letters if letter.key is not None})
    partitions = await partition_count(brokers, FRIENDS.name)
    now = now_ms()
    oldest = {topic.name: now - retention_ms(topic, settings.retention_days) // 2 for topic in ALL}
    ground = _Ground(partitions=partitions, oldest=oldest, rows=rows)
    changes = [letter for letter in letters if letter.topic == CHANGES.name and letter.origin_offset >= 0]
    start: dict[int, int] = {}
    for letter in changes:
        start[letter.origin_partition] = min(letter.origin_offset, start.get(letter.origin_partition, 2**63))
    if start:
        async for record in read_log(brokers, CHANGES.name, partitions=sorted(start), start=start):
            ground.newest_change[record.key] = record.offset
        ground.places = {tp.partition: offset for tp, offset in (await committed(brokers, HUBSPOT_GROUP)).items()}
    if any(letter.stage == "ingress" for letter in letters):
        ground.ingress = IngressLetters(
            await load(brokers),
            SealingKey.load(settings),
            partitions=partitions,
            now=now,
        )
    return ground


async def rows_of(brokers: str, keys: set[bytes]) -> dict[bytes, FriendState]:
    """The newest state under each of these keys that has one."""
    count = await partition_count(brokers, FRIENDS.name)
    newest: dict[bytes, bytes | None] = {}
    if keys:
        async for record in read_log(brokers, FRIENDS.name, partitions={partition_of(key, count) for key in keys}):
            if record.key in keys:
                newest[record.key] = record.value
    rows = {}
    for key, value in newest.items():
        try:
            rows[key] = read_friend_state(value or b"")
        except Unreadable:
            continue  # no state that anybody could settle from
    return rows


async def _chunks(brokers: str, letters: dict[Place, Letter]) -> AsyncIterator[list[tuple[Letter, Outgoing]]]:
    """The letters with their records, so many at a time as memory may hold."""
    chunk: list[tuple[Letter, Outgoing]] = []
    size = 0
    async for record in letter_records(brokers, letters):
        letter = letters[Place(record.partition, record.offset)]
        headers = [(name, value or b"") for name, value in record.headers]
        chunk.append((letter, (record.key, record.value, original_headers(headers))))
        size += letter.size
        if len(chunk) >= _CHUNK_LETTERS or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _decide(ground: _Ground, letter: Letter, original: Outgoing) -> tuple[Fate, list[Append]]:
    row = None if letter.key is None else ground.rows.get(letter.key)
    fate = fate_of(letter, original[1], row, now=now_ms())
    match fate.action:
        case "put_back":
            stamp = ground.stamp(letter.topic, letter.at)
            return fate, [(letter.topic, letter.origin_partition, original, stamp)]
        case "settle_anew" if row is not None:
            return fate, _settling(ground, letter, row)
        case "read_again":
            assert ground.ingress is not None
            made = ground.ingress.read(letter, original[1])
            if isinstance(made, Fate):
                return made, []
            return fate, [
                (one.topic, one.partition, (one.key, one.value, one.headers), ground.stamp(one.topic, one.timestamp))
                for one in made
            ]
        case _:
            return fate, []


def _settling(ground: _Ground, letter: Letter, row: FriendState) -> list[Append]:
    """What makes the fold settle a friend anew, once however many letters it has."""
    key, now = row.friend.encode(), now_ms()
    partition = partition_of(key, ground.partitions)
    if key in ground.settled:
        return []
    ground.settled.add(key)
    outcome = unanswered(row, now=now, generation=0)
    if outcome is not None and letter.topic == CHANGES.name and _is_passed(ground, letter):
        return [(OUTCOMES.name, partition, (key, encode(outcome), outcome_headers(outcome)), now)]
    event = EventRecord(
        connection=min((int(number) for number in row.connections), default=0),
        received_at=now,
        origin="operator",
        event={"type": "resync", "timestamp": now, "source": {"type": "user", "userId": row.friend}},
    )
    headers = event_headers(event, event_id(event.connection, event.event), now)
    return [(EVENTS.name, partition, (key, encode(event), headers), now)]


def _is_passed(ground: _Ground, letter: Letter) -> bool:
    """Whether the friend's open change will never be answered: none came behind the dead one, nor is one before it."""
    newest, place = ground.newest_change.get(letter.key or b"", -1), ground.places.get(letter.origin_partition, 0)
    return newest <= letter.origin_offset < place


async def _carry_out(appender: Appender, decided: Sequence[tuple[Letter, Fate, list[Append]]]) -> None:
    await asyncio.gather(
        *[
            appender.append(topic, partition, [record], timestamp=timestamp)
            for _, _, appends in decided
            for topic, partition, record, timestamp in appends
        ]
    )
    await _settle(
        appender,
        [
            (letter, "resynced" if fate.action == "settle_anew" else "replayed")
            for letter, fate, _ in decided
            if fate.action != "refused"
        ],
    )


async def _settle(appender: Appender, became: Iterable[tuple[Letter, Became]]) -> None:
    by_partition: dict[int, list[Outgoing]] = {}
    now = now_ms()
    for letter, outcome in became:
        headers = settlement_headers(*letter.place, outcome=outcome, at=now)
        by_partition.setdefault(letter.place.partition, []).append((letter.key, None, headers))
    for partition, records in by_partition.items():
        await appender.append(DEAD_LETTERS.name, partition, records)
