"""The LINE sink end to end: requests in Kafka, a simulated LINE, results in Kafka."""

import asyncio
import signal
from collections import Counter

from aiokafka import AIOKafkaConsumer, TopicPartition

from devkit.line.faults import Fault
from runtime.appender import partition_of
from runtime.clock import now_ms
from runtime.log_reader import read_log
from schemas.codec import encode
from schemas.topics import DEAD_LETTERS, LINE_GROUP, REQUESTS


async def test_profiles_are_answered_on_the_partition_of_their_request(world) -> None:
    shop = world.line.add_account()
    await world.connect(shop)
    friends = world.people(shop, 30)
    gone = world.line.user_id(shop, world.line.add_user("Nobody's friend"))
    await world.start()
    await world.ask(*[world.profile(friend) for friend in [*friends, gone]])
    await world.idle()
    results = {result.friend: (partition, result) for partition, result in await world.results()}
    assert set(results) == {*friends, gone}
    for friend, person in friends.items():
        partition, result = results[friend]
        assert partition == partition_of(friend.encode(), world.partitions)
        assert (result.profile.found, result.profile.name) == (True, person.display_name)
        assert result.at % 1000 == 999
    assert results[gone][1].profile.found is False


async def test_trouble_of_one_connection_and_of_one_friend_holds_up_no_other(world) -> None:
    """A refused secret waits, a friend whose profile fails is retried; everybody else is answered meanwhile."""
    shop, broken = world.line.add_account(), world.line.add_account()
    await world.connect(shop)
    await world.connect(broken)
    broken.channel_secret = "re-issued in the console"
    friends = list(world.people(shop, 20))
    world.line.platform.faults.add(Fault(call="profile", channel_id=shop.channel_id, times=3))
    await world.start()
    strangers = [world.profile("U" + f"{n:032x}", connection=2) for n in range(8)]
    await world.ask(*strangers, *[world.profile(friend) for friend in friends])

    async def answered() -> bool:
        return len({result.friend for _, result in await world.results()}) == len(friends)

    await world.until(answered)
    assert {result.connection for _, result in await world.results()} == {1}


async def test_a_record_that_cannot_be_read_becomes_a_dead_letter_byte_for_byte(world) -> None:
    shop = world.line.add_account()
    await world.connect(shop)
    friend = next(iter(world.people(shop, 1)))
    await world.start()
    odd = (friend.encode(), b'{"id": \xff', [("origin", b"\x00\x01")])
    foreign = (b"U-someone-else", encode(world.profile(friend)), [])
    await world.append([odd, (friend.encode(), None, []), foreign])
    await world.ask(world.profile(friend))
    await world.idle()
    letters = {record.key: record async for record in read_log(world.brokers, DEAD_LETTERS.name)}
    assert set(letters) == {friend.encode(), b"U-someone-else"}
    letter = letters[friend.encode()]
    headers = dict(letter.headers)
    assert (letter.value, headers["origin"], headers["dl_reason"]) == (odd[1], b"\x00\x01", b"unreadable")
    assert (headers["dl_topic"], headers["dl_stage"]) == (REQUESTS.name.encode(), b"line")
    assert dict(letters[b"U-someone-else"].headers)["dl_reason"] == b"key_mismatch"
    assert [result.friend for _, result in await world.results()] == [friend]


async def test_a_killed_sink_loses_no_request_and_sends_no_message_twice(world) -> None:
    """kill -9 while LINE is slow: the next sink answers what is open; the retry key keeps pushes single."""
    shop = world.line.add_account()
    await world.connect(shop)
    friends = list(world.people(shop, 12))
    child = await world.start()
    world.line.platform.faults.add(Fault(trouble="slow", call="push", delay_ms=400, times=None, after=True))
    world.line.platform.faults.add(Fault(trouble="slow", call="profile", delay_ms=400, times=None))
    now = now_ms()
    await world.ask(*[world.push(friend, f"hello {n}", now) for n, friend in enumerate(friends)])
    await world.ask(*[world.profile(friend) for friend in friends])

    async def some_are_sent() -> bool:
        return len(world.line.sent) >= 3

    await world.until(some_are_sent)
    await world.stop(child, signal.SIGKILL)
    world.line.platform.faults.clear()
    await world.start()
    await world.idle()
    results = [result for _, result in await world.results()]
    assert {result.request for result in results} == {
        *[world.push(friend, f"hello {n}", now).id for n, friend in enumerate(friends)],
        *[world.profile(friend).id for friend in friends],
    }
    assert Counter(sent.to for sent in world.line.sent) == Counter(friends)
    assert {result.message.result for result in results if result.message} <= {"sent", "already_sent"}


async def test_a_stopped_sink_publishes_what_is_answered_and_goes_on_where_it_was(world) -> None:
    shop = world.line.add_account()
    await world.connect(shop)
    friends = list(world.people(shop, 60))
    child = await world.start()
    await world.ask(*[world.profile(friend) for friend in friends])
    said = await world.stop(child)
    assert child.returncode == 0, said
    await world.start()
    await world.idle()
    assert {result.friend for _, result in await world.results()} == set(friends)


async def test_two_sinks_share_the_work_and_one_may_leave(world) -> None:
    shop = world.line.add_account()
    await world.connect(shop)
    friends = list(world.people(shop, 80))
    first = await world.start()
    await world.ask(*[world.profile(friend) for friend in friends[:40]])
    await world.start()
    await world.ask(*[world.profile(friend) for friend in friends[40:]])
    await world.stop(first)
    await world.idle()
    assert {result.friend for _, result in await world.results()} == set(friends)


async def test_a_vanished_offset_stops_the_sink_with_78_and_one_sentence(world) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=world.brokers, group_id=LINE_GROUP, enable_auto_commit=False)
    await consumer.start()
    where = [TopicPartition(REQUESTS.name, partition) for partition in range(world.partitions)]
    consumer.assign(where)
    await consumer.commit(dict.fromkeys(where, 1000))
    await consumer.stop()
    child = await world.start()
    said = await asyncio.wait_for(child.communicate(), 30)
    assert child.returncode == 78
    assert b"does not know where to go on" in said[1]


async def test_a_removed_connection_s_requests_are_dropped(world) -> None:
    shop = world.line.add_account()
    await world.connect(shop)
    friend = next(iter(world.people(shop, 1)))
    await world.start()
    await world.ask(world.profile(friend, connection=7), world.profile(friend))
    await world.idle()
    assert [(result.friend, result.connection) for _, result in await world.results()] == [(friend, 1)]
