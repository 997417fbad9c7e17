"""Replay and drop on real Kafka: what is appended where, and what is remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.deadletters import _one
from cli.letter_replay import replay, settle
from cli.standing import StandingReader
from domain.dead_letters import Filter, Letter, Place
from runtime.appender import Appender, partition_of
from runtime.clock import now_ms
from runtime.letter_log import read_letters
from runtime.log_reader import end_offsets, read_log
from runtime.refusal import Refusal
from runtime.settings import Settings
from schemas.codec import encode
from schemas.dead_letters import dead_letter_headers
from schemas.events import EventRecord, read_event_record
from schemas.friends import FriendState, Sent
from schemas.outcomes import read_outcome
from schemas.topics import CHANGES, DEAD_LETTERS, EVENTS, FRIENDS, HUBSPOT_GROUP, OUTCOMES

U = "U" + "8e" * 16
AT = now_ms() - 60_000
HALF_OF_RETENTION = 14 * 86_400_000
Write = Callable[..., Any]


@pytest.fixture
async def appender(topics: Settings) -> AsyncIterator[Appender]:
    made = Appender(topics.kafka, client_id="test")
    yield made
    await made.stop()


@pytest.fixture
def partition(topics: Settings) -> int:
    return partition_of(U.encode(), topics.partitions)


@pytest.fixture
def write(appender: Appender, partition: int) -> Write:
    async def write_letter(value: bytes | None, *, key: bytes = U.encode(), **given: Any) -> Place:
        fields = {
            "topic": EVENTS.name, "partition": partition, "offset": 5, "at": AT, "stage": "fold", "reason": "unreadable"
        }  # fmt: skip
        headers = dead_letter_headers([("ce_id", b"01J"), ("odd", b"\xff")], **(fields | given))
        offset = await appender.append(DEAD_LETTERS.name, partition, [(key, value, headers)])
        return Place(partition, offset or 0)

    return write_letter


async def letters(settings: Settings, *places: Place) -> list[Letter]:
    found = (await read_letters(settings.kafka)).book.all()
    return [letter for letter in found if not places or letter.place in places]


async def records(settings: Settings, topic: str) -> list[Any]:
    return [record async for record in read_log(settings.kafka, topic)]


async def test_a_replay_puts_the_same_record_back_and_is_remembered(topics: Settings, write: Write) -> None:
    place = await write(b"not json")
    [dry] = await replay(topics, topics.kafka, await letters(topics), dry_run=True)
    assert (dry.fate.action, dry.fate.code, dry.appended) == ("put_back", "unreadable", [EVENTS.name])
    assert await records(topics, EVENTS.name) == []
    assert sum((await end_offsets(topics.kafka, DEAD_LETTERS.name)).values()) == 1, "a dry run appends nothing"

    await replay(topics, topics.kafka, await letters(topics), dry_run=False)
    [record] = await records(topics, EVENTS.name)
    assert (record.partition, record.key, record.value) == (place.partition, U.encode(), b"not json")
    assert list(record.headers) == [("ce_id", b"01J"), ("odd", b"\xff")]
    assert record.timestamp == AT, "it dies no later than its letter"
    [letter] = await letters(topics)
    assert letter.settled is not None
    assert letter.settled.outcome == "replayed"

    [again] = await replay(topics, topics.kafka, [letter], dry_run=False)
    assert (again.fate.action, again.fate.code) == ("refused", "settled")
    assert len(await records(topics, EVENTS.name)) == 1


async def test_what_is_old_is_put_back_with_time_left_to_be_read(topics: Settings, write: Write) -> None:
    """Else Kafka would remove it, and the place of a reader that is away with it."""
    await write(b"not json", at=AT - 2 * HALF_OF_RETENTION)
    await replay(topics, topics.kafka, await letters(topics), dry_run=False)
    [record] = await records(topics, EVENTS.name)
    assert AT - HALF_OF_RETENTION < record.timestamp <= now_ms() - HALF_OF_RETENTION


async def test_killed_before_it_is_remembered_a_second_replay_is_a_duplicate(
    topics: Settings, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(b"not json")

    async def killed(*_: object) -> None:
        raise RuntimeError("kill -9")

    with monkeypatch.context() as patch:
        patch.setattr("cli.letter_replay._settle", killed)
        with pytest.raises(RuntimeError):
            await replay(topics, topics.kafka, await letters(topics), dry_run=False)
    await replay(topics, topics.kafka, await letters(topics), dry_run=False)
    assert [record.value for record in await records(topics, EVENTS.name)] == [b"not json"] * 2
    [letter] = await letters(topics)
    assert letter.settled is not None


async def test_order_is_kept_and_refused_neighbours_stay_open(topics: Settings, write: Write) -> None:
    for number in range(20):
        await write(b"%d" % number)
    protected = await write(b"{}", topic=FRIENDS.name)
    ends = await end_offsets(topics.kafka, FRIENDS.name)
    done = await replay(topics, topics.kafka, await letters(topics), dry_run=False)
    assert [record.value for record in await records(topics, EVENTS.name)] == [b"%d" % n for n in range(20)]
    assert [one.letter.place for one in done if one.fate.action == "refused"] == [protected]
    assert await end_offsets(topics.kafka, FRIENDS.name) == ends
    assert [letter.place for letter in await letters(topics) if Filter().takes(letter)] == [protected]


async def test_status_counts_what_is_open(topics: Settings, write: Write) -> None:
    first, second = await write(b"1"), await write(b"2")
    async with StandingReader(topics, topics.kafka) as reader:
        assert (await reader.read()).dead_letters == 2
        await settle(topics.kafka, await letters(topics, first), "dropped")
        assert (await reader.read()).dead_letters == 1
        await replay(topics, topics.kafka, await letters(topics, second), dry_run=False)
        assert (await reader.read()).dead_letters == 0


async def commit(settings: Settings, partition: int, offset: int) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, group_id=HUBSPOT_GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        place = TopicPartition(CHANGES.name, partition)
        consumer.assign([place])
        await consumer.commit({place: offset})
    finally:
        await consumer.stop()


async def test_the_open_change_that_died_is_called_unanswered(
    topics: Settings, write: Write, appender: Appender, partition: int
) -> None:
    """Two letters of one friend settle it once; old bytes never go back to contact.changes.v1."""
    open_change = FriendState(friend=U, revision=7, sent=Sent(revision=7, digest="d", at=1))
    await appender.append(FRIENDS.name, partition, [(U.encode(), encode(open_change), [])])
    await appender.append(CHANGES.name, partition, [(U.encode(), b"{", [])] * 6)
    await commit(topics, partition, 6)
    ends = await end_offsets(topics.kafka, CHANGES.name)
    for offset in (5, 5):
        await write(b"{", topic=CHANGES.name, stage="hubspot", offset=offset)
    done = await replay(topics, topics.kafka, await letters(topics), dry_run=False)
    assert [one.fate.action for one in done] == ["settle_anew"] * 2
    [record] = await records(topics, OUTCOMES.name)
    told = read_outcome(record.value)
    assert (record.partition, told.friend, told.result, told.revision) == (partition, U, "unanswered", 7)
    assert await end_offsets(topics.kafka, CHANGES.name) == ends
    assert {letter.settled and letter.settled.outcome for letter in await letters(topics)} == {"resynced"}


@pytest.mark.parametrize(
    ("later", "place"), [(1, 7), (0, 5)], ids=["a change came behind it", "the sink is not past it"]
)
async def test_a_change_that_may_still_be_answered_is_not_called_unanswered(
    topics: Settings, write: Write, appender: Appender, partition: int, later: int, place: int
) -> None:
    """The friend is only told to settle once more, when the answer is there."""
    open_change = FriendState(friend=U, revision=7, sent=Sent(revision=7, digest="d", at=1))
    await appender.append(FRIENDS.name, partition, [(U.encode(), encode(open_change), [])])
    await appender.append(CHANGES.name, partition, [(U.encode(), b"{", [])] * (6 + later))
    await commit(topics, partition, place)
    await write(b"{", topic=CHANGES.name, stage="hubspot", offset=5)
    await replay(topics, topics.kafka, await letters(topics), dry_run=False)
    assert await records(topics, OUTCOMES.name) == []
    [record] = await records(topics, EVENTS.name)
    order: EventRecord = read_event_record(record.value)
    assert (record.partition, order.origin, order.event["type"]) == (partition, "operator", "resync")


async def test_content_of_an_erased_friend_is_not_revealed(
    topics: Settings, write: Write, appender: Appender, partition: int
) -> None:
    """What came after the erasure is another matter."""
    before, after = await write(b'{"x":1}', at=AT), await write(b'{"x":2}', at=AT + 2)
    erased = FriendState(friend=U, revision=3, erased_at=AT + 1)
    await appender.append(FRIENDS.name, partition, [(U.encode(), encode(erased), [])])
    with pytest.raises(Refusal, match="erased"):
        await _one(topics.kafka, before, reveal=True)
    assert (await _one(topics.kafka, before, reveal=False))[0].place == before
    assert (await _one(topics.kafka, after, reveal=True))[1].value == b'{"x":2}'
