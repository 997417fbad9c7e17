"""The storm's events: lawful lives, each arriving at least once."""

from __future__ import annotations

from cli.demo_world.storm import disorder, lives
from devkit.line import LineSimulator


async def test_a_storm_holds_every_act_at_least_once_and_old_events_again() -> None:
    """Nobody unsends twice or follows twice, timestamps of one friend rise, and the same seed lives the same lives."""
    async with LineSimulator(seed=4) as line:
        shop = line.add_account()
        people = [line.add_user(f"Friend {number}") for number in range(20)]
        old = [event for person in people if (event := line.perform("follow", shop, person))]
        events = lives(line, shop, people, each=10, seed=4)
    posts = disorder(events, seed=4, old=old)
    arrived = [event["webhookEventId"] for post in posts for event in post.events]
    assert {event["webhookEventId"] for event in [*events, *old]} == set(arrived)
    assert len(arrived) > len(events) + len(old), "some arrive again"
    unsent = [event["unsend"]["messageId"] for event in events if event["type"] == "unsend"]
    assert len(unsent) == len(set(unsent)) > 0
    by_friend: dict[str, list[int]] = {}
    for event in events:
        by_friend.setdefault(event["source"]["userId"], []).append(event["timestamp"])
    assert all(times == sorted(set(times)) for times in by_friend.values())
    assert posts == disorder(events, seed=4, old=old)
