"""The storm: what many friends do within a moment, as events that arrive twice, late and out of order."""

from collections.abc import Sequence

from devkit.clock import Random, now_ms, seeded
from devkit.line import Account, Json, LineSimulator, Person
from devkit.line.events import again
from devkit.traffic import Post, storm

TEXTS = (
    "Do you deliver?",
    "こんにちは 🤨",
    "พรุ่งนี้เปิดไหม",
    "ありがとう！",
    "Is the blue one in stock?",
    "👨‍👩‍👧 で行きます",
)
DUPLICATES = 0.15
REDELIVERIES = 0.15
POSTS_PER_SECOND = 160.0


def lives(line: LineSimulator, shop: Account, people: Sequence[Person], *, each: int, seed: int) -> list[Json]:
    """What people do from now on, `each` acts in the mean, a millisecond apart; nothing is delivered."""
    chance = seeded(f"lives:{seed}")
    blocked: dict[str, bool] = {}
    written: dict[str, str] = {}
    began, events = now_ms(), list[Json]()
    for number in range(each * len(people)):
        person = chance.choice(people)
        name, fields = _act(chance, blocked.get(person.key, False), written.get(person.key))
        event = line.perform(name, shop, person, at=began + number, **fields)
        if event is None:  # who is a friend already and follows causes no event
            continue
        blocked[person.key] = name == "unfollow"
        if "message" in event:
            written[person.key] = event["message"]["id"]
        elif name == "unsend":
            written.pop(person.key)
        events.append(event)
    return events


def disorder(events: Sequence[Json], *, seed: int, old: Sequence[Json] = ()) -> list[Post]:
    """The requests in which the events arrive; `old` ones, acknowledged long ago, come once more among them."""
    mixed = list(events)
    chance = seeded(f"old:{seed}")
    for event in old:
        mixed.insert(chance.randrange(len(mixed) + 1), again(event, redelivery=True))
    return storm(mixed, seed=seed, duplicates=DUPLICATES, redeliveries=REDELIVERIES)


def _act(chance: Random, blocked: bool, last_message: str | None) -> tuple[str, dict[str, object]]:
    if blocked:
        return "follow", {}
    dice = chance.random()
    if dice < 0.15:
        return "unfollow", {}
    if dice < 0.25 and last_message is not None:
        return "unsend", {"message_id": last_message}
    if dice < 0.35:
        return "postback", {"data": "menu=1"}
    if dice < 0.45:
        return "sticker", {"keywords": ["love", "hi"]}
    return "text", {"text": chance.choice(TEXTS)}
