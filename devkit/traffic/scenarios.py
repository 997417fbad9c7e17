"""Lives of friends as LINE events, without a simulator. Pure: the same seed and start give the same events.

Each friend's events carry strictly rising timestamps, and every event has its own `webhookEventId`.
"""

from collections.abc import Sequence

from devkit.clock import Random, seeded
from devkit.line import events
from devkit.line.identifiers import Identifiers
from devkit.line.signature import Json

TEXTS = (
    "hello",
    "こんにちは 🤨",
    "พรุ่งนี้เปิดไหม",
    "Is size M in stock?",
    "ありがとうございます (love)",
    "👨‍👩‍👧 で行きます",
)


class LineFriends:
    """`count` users of one provider and what they do; `friends.ids` are their user ids."""

    def __init__(self, count: int, *, seed: int = 0, provider: str = "traffic") -> None:
        self._line_ids = Identifiers(seed)
        self._chance: Random = seeded(f"traffic:{seed}")
        self.ids = [self._line_ids.user_id(provider, f"friend-{number}") for number in range(1, count + 1)]

    def follow(self, user_id: str, at: int, *, unblocked: bool = False) -> Json:
        """Return a follow at `at` ms."""
        return self._event("follow", user_id, at, {"follow": {"isUnblocked": unblocked}})

    def unfollow(self, user_id: str, at: int) -> Json:
        """Return an unfollow at `at` ms."""
        return self._event("unfollow", user_id, at, {})

    def message(self, user_id: str, at: int, kind: str = "text", **fields: object) -> Json:
        """Return a message at `at` ms; kinds and fields as in devkit.line.contents."""
        return events.message(self._line_ids, events.user(user_id), at, kind, fields)

    def text(self, user_id: str, at: int) -> Json:
        """Return a text message in one of several scripts."""
        return self.message(user_id, at, "text", text=self._chance.choice(TEXTS))

    def unsend(self, user_id: str, at: int, message_id: str) -> Json:
        """Return an unsend of a message at `at` ms."""
        return self._event("unsend", user_id, at, {"unsend": {"messageId": message_id}})

    def postback(self, user_id: str, at: int) -> Json:
        """Return a postback at `at` ms."""
        return self._event("postback", user_id, at, {"postback": {"data": "a=1"}})

    def story(self, user_id: str, start: int, length: int) -> list[Json]:
        """Return a follow and then a random life of `length` events in all, 1-5 s apart."""
        lived = [self.follow(user_id, start)]
        at, blocked, messages = start, False, list[str]()
        while len(lived) < length:
            at += self._chance.randrange(1_000, 5_000)
            lived.append(self._next(user_id, at, blocked, messages))
            blocked = lived[-1]["type"] == "unfollow"
        return lived

    def _next(self, user_id: str, at: int, blocked: bool, messages: list[str]) -> Json:
        if blocked:
            return self.follow(user_id, at, unblocked=True)
        dice = self._chance.random()
        if dice < 0.12:
            return self.unfollow(user_id, at)
        if dice < 0.2 and messages:
            return self.unsend(user_id, at, messages.pop())
        if dice < 0.3:
            return self.postback(user_id, at)
        written = (
            self.text(user_id, at) if dice < 0.85 else self.message(user_id, at, "sticker", keywords=["love", "hi"])
        )
        messages.append(written["message"]["id"])
        return written

    def _event(self, kind: str, user_id: str, at: int, fields: Json) -> Json:
        return events.event(self._line_ids, kind, events.user(user_id), at, fields)


def follows(friends: LineFriends, start: int, *, apart_ms: int = 1) -> list[Json]:
    """Return one follow per friend, `apart_ms` from each other, the first at `start`."""
    return [friends.follow(user_id, start + number * apart_ms) for number, user_id in enumerate(friends.ids)]


def stories(friends: LineFriends, start: int, *, length: int = 6) -> list[Json]:
    """Return every friend's story of `length` events, all friends' events in the order of their timestamps."""
    lives: Sequence[list[Json]] = [friends.story(user_id, start + n, length) for n, user_id in enumerate(friends.ids)]
    return sorted((event for life in lives for event in life), key=lambda event: int(event["timestamp"]))
