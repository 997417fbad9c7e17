"""What the network does to events on their way: copies, redeliveries, disorder, several in a body. Pure and seeded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devkit.clock import seeded
from devkit.line.events import again
from devkit.line.signature import Json


@dataclass(frozen=True, slots=True)
class Post:
    """The events of one POST; `escape` writes characters beyond ASCII as `\\uXXXX`."""

    events: tuple[Json, ...]
    escape: bool = False

    def redelivered(self) -> "Post":
        """Return the body LINE sends when nobody acknowledged this one: other bytes, same event ids."""
        return Post(tuple(again(event, redelivery=True) for event in self.events), self.escape)


def pack(events: Sequence[Json], *, per_post: int = 1) -> list[Post]:
    """Return the events in their order, `per_post` in each body."""
    return [Post(tuple(events[start : start + per_post])) for start in range(0, len(events), per_post)]


def storm(
    events: Iterable[Json],
    *,
    seed: int = 0,
    duplicates: float = 0.1,
    redeliveries: float = 0.1,
    reorder: int = 50,
    largest_post: int = 4,
) -> list[Post]:
    """Return the events as a storm delivers them: each at least once.

    `duplicates` and `redeliveries` are the shares of events that come again, without and with `isRedelivery`, somewhere
    later; each event may be overtaken by up to `reorder` others; a body holds 1 to `largest_post` events.
    """
    chance = seeded(f"storm:{seed}")
    arriving: list[tuple[float, Json]] = []
    for place, event in enumerate(events):
        arriving.append((place + chance.uniform(0, reorder), event))
        for share, redelivery in ((duplicates, False), (redeliveries, True)):
            if chance.random() < share:
                arriving.append((place + chance.uniform(0, 4 * reorder + 1), again(event, redelivery=redelivery)))
    arriving.sort(key=lambda pair: pair[0])
    posts: list[Post] = []
    start = 0
    while start < len(arriving):
        end = start + chance.randint(1, largest_post)
        posts.append(Post(tuple(event for _, event in arriving[start:end]), escape=chance.random() < 0.5))
        start = end
    return posts
