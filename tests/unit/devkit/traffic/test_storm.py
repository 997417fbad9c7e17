"""Traffic is seeded: the same lives and the same storm come again, and a storm loses nothing."""

from devkit.line.posting import Posted
from devkit.traffic import LineFriends, Outcome, Post, Report, follows, pack, stories, storm

START = 1_760_922_682_123


def test_the_same_seed_tells_the_same_stories() -> None:
    first, second, other = (stories(LineFriends(5, seed=seed), START) for seed in (1, 1, 2))
    assert first == second != other


def test_each_friends_clock_only_rises() -> None:
    friends = LineFriends(20, seed=3)
    told = stories(friends, START, length=8)
    for user_id in friends.ids:
        times = [event["timestamp"] for event in told if event["source"]["userId"] == user_id]
        assert len(times) == 8
        assert times == sorted(set(times))


def test_every_event_has_its_own_id() -> None:
    told = stories(LineFriends(50), START)
    assert len({event["webhookEventId"] for event in told}) == len(told) == 300


def test_a_storm_holds_every_event_and_copies_with_and_without_the_mark() -> None:
    told = stories(LineFriends(50, seed=4), START)
    posts = storm(told, seed=4)
    arrived = [event for post in posts for event in post.events]
    assert {event["webhookEventId"] for event in arrived} == {event["webhookEventId"] for event in told}
    marked = sum(event["deliveryContext"]["isRedelivery"] for event in arrived)
    assert 0 < marked < len(arrived) - len(told)
    assert [event["timestamp"] for event in arrived] != sorted(event["timestamp"] for event in arrived)
    assert {len(post.events) for post in posts} == {1, 2, 3, 4}
    assert storm(told, seed=4) == posts


def test_a_calm_storm_is_the_plain_order() -> None:
    told = follows(LineFriends(9), START)
    calm = storm(told, duplicates=0, redeliveries=0, reorder=0, largest_post=1)
    assert [post.events for post in calm] == [(event,) for event in told]
    assert [len(post.events) for post in pack(told, per_post=4)] == [4, 4, 1]


def test_a_report_counts_an_event_once_and_only_if_somebody_acknowledged_it() -> None:
    kept, lost = follows(LineFriends(2), START)
    ok, no = Posted(200, "OK", "200", 3.0), Posted(0, "REQUEST_TIMEOUT", "Request timeout", 2000.0)
    both = Post((kept, lost))
    report = Report([Outcome(both, no, 0), Outcome(Post((kept,)).redelivered(), ok, 1), Outcome(Post((kept,)), ok, 0)])
    assert [event["webhookEventId"] for event in report.acknowledged] == [kept["webhookEventId"]]
    assert report.unacknowledged == [lost]
    assert report.answers == {"200": 2, "REQUEST_TIMEOUT": 1}
    assert (report.latency_ms(50), report.events_sent) == (3.0, 4)
