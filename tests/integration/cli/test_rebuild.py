"""`rebuild` on real Kafka and a simulated portal: how far it takes the log, and that it may be killed anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from cli import rebuild_writing
from cli.rebuild import carry_out, prepare
from cli.rebuild_writing import _commit, is_unfinished
from clients.hubspot.properties import PropertiesApi
from devkit.hubspot import HubSpotSimulator
from processors.start_guard import allow_start
from runtime.appender import Appender, partition_of
from runtime.log_reader import committed, end_offsets, read_log
from runtime.refusal import REFUSED, Refusal
from runtime.settings import Settings
from schemas.codec import encode
from schemas.decisions import DecisionRecord
from schemas.friends import FriendState, read_friend_state
from schemas.marks import Cause
from schemas.topics import CHANGES, DECISIONS, EVENTS, FOLD_GROUP, FRIENDS, OUTCOMES, RESULTS

TOKEN = "pat-sim"
AT = 1_763_800_000_000
LIVING = [f"U{number:032x}" for number in range(105)]
DELETED, LATE = f"U{500:032x}", f"U{501:032x}"


@pytest.fixture
async def hubspot() -> AsyncIterator[HubSpotSimulator]:
    """105 living contacts, more than a page, and one in the bin."""
    async with HubSpotSimulator(token=TOKEN, seed=1) as simulator:
        await PropertiesApi(simulator.url, TOKEN).ensure_connection_properties([1])
        for friend in (*LIVING, DELETED):
            made = simulator.people.create_contact({"email": f"{friend}@line.me", "line_user_id_1": friend})
        simulator.people.delete_contact(made.id)
        yield simulator


@pytest.fixture
async def settings(topics: Settings, settings_for: Callable[..., Settings], hubspot: HubSpotSimulator) -> Settings:
    del topics  # they are there
    return settings_for(hubspot_token=TOKEN, hubspot_api_url=hubspot.url)


@pytest.fixture
async def appender(settings: Settings) -> AsyncIterator[Appender]:
    appender = Appender(settings.kafka, client_id="test")
    yield appender
    await appender.stop()


async def tell(appender: Appender, settings: Settings, friend: str, number: int) -> TopicPartition:
    """A message in line.events.v1; its partition."""
    event = {
        "type": "message",
        "timestamp": AT + number,
        "source": {"type": "user", "userId": friend},
        "webhookEventId": f"01K{number:023d}",
        "message": {"id": str(number), "type": "text", "text": f"message {number}"},
    }
    value = {"connection": 1, "received_at": AT + number, "origin": "webhook", "event": event}
    partition = partition_of(friend.encode(), settings.partitions)
    await appender.append(EVENTS.name, partition, [(friend.encode(), orjson.dumps(value), [])])
    return TopicPartition(EVENTS.name, partition)


async def rows(settings: Settings) -> dict[str, FriendState]:
    read = read_log(settings.kafka, FRIENDS.name)
    return {state.friend: state async for record in read if (state := read_friend_state(record.value))}


async def test_only_what_was_folded_is_taken_and_the_rest_is_left_to_the_fold(
    settings: Settings, appender: Appender
) -> None:
    """A message that came while the fold was down may still bring a deleted contact back, or make a new one."""
    folded = await tell(appender, settings, DELETED, 1)
    decided = await tell(appender, settings, DELETED, 2)
    await tell(appender, settings, DELETED, 3)
    await tell(appender, settings, LATE, 4)
    await _commit(settings.kafka, FOLD_GROUP, {folded: 1})
    cause = Cause(id="x", kind="message", topic=EVENTS.name, partition=decided.partition, offset=1)
    decision = DecisionRecord(friend=DELETED, at=AT, cause=cause, decision="same")
    await appender.append(DECISIONS.name, decided.partition, [(DELETED.encode(), encode(decision), [])])

    plan = await prepare(settings, settings.kafka)
    await carry_out(settings, settings.kafka, plan)
    assert plan.counts == {
        "contacts": 106, "friends": 106, "live": 105, "gone": 1, "erased": 0, "written_again": 105,
    }  # fmt: skip
    found = await rows(settings)
    assert LATE not in found
    gone = found[DELETED]
    assert gone.trigger is not None
    assert gone.trigger_delivered is not None
    assert (gone.trigger.at, gone.trigger_delivered.at) == (AT + 2, AT + 2), "the second was decided, if not committed"
    places = await committed(settings.kafka, FOLD_GROUP)
    assert places[decided] == 2
    for topic in (RESULTS, OUTCOMES):
        ends = await end_offsets(settings.kafka, topic.name)
        assert {tp.partition: at for tp, at in places.items() if tp.topic == topic.name} == ends
    assert await end_offsets(settings.kafka, CHANGES.name) == dict.fromkeys(range(settings.partitions), 0)


async def test_it_may_be_killed_while_it_writes_and_is_then_run_again(
    settings: Settings, appender: Appender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the friends are no state: the fold refuses until a rebuild has come to its end."""
    await tell(appender, settings, DELETED, 1)
    written = 0

    async def killed(self: Appender, topic: str, partitions: int, records: Any) -> None:
        nonlocal written
        written += 1
        if written == 2:
            raise KeyboardInterrupt
        await append_by_key(self, topic, partitions, records)

    append_by_key = Appender.append_by_key
    monkeypatch.setattr(rebuild_writing, "AT_ONCE", 40)
    monkeypatch.setattr(Appender, "append_by_key", killed)
    plan = await prepare(settings, settings.kafka)
    with pytest.raises(KeyboardInterrupt):
        await carry_out(settings, settings.kafka, plan)
    assert len(await rows(settings)) == 40
    with pytest.raises(Refusal) as refused:
        await allow_start(settings.kafka)
    assert refused.value.code == "rebuild_unfinished"
    assert await is_unfinished(settings.kafka)

    await carry_out(settings, settings.kafka, await prepare(settings, settings.kafka))
    assert set(await rows(settings)) == {*LIVING, DELETED}
    assert await allow_start(settings.kafka) == settings.partitions
    with pytest.raises(Refusal) as done:
        await prepare(settings, settings.kafka)
    assert (done.value.exit_code, done.value.code) == (REFUSED, "states_are_there")
