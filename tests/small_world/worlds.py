"""The small worlds that are explored: what LINE tells, what people do, what goes wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from schemas.events import EventRecord
from tests.small_world.explorer import World
from tests.small_world.portal import Portal, Row
from tests.small_world.steps import Script
from tests.unit.domain.world import event, imported, message, order, unsend

A, B = "U" + "a" * 32, "U" + "b" * 32
ADOPTABLE = Portal(rows=(Row("1", "live", (f"{A.lower()}@line.me",), ()),), next=2)
MINTING, BLOCKING = Portal(merge_mints=True), Portal(erasure_blocks=True)
TWO = frozenset({"merge", "delete", "restore", "erase"})

SCRIPTS: Mapping[str, tuple[EventRecord, ...]] = {
    "follow, message, unfollow": (
        event("follow", 10, friend=A), message(20, "x", friend=A), event("unfollow", 30, friend=A),
    ),
    "postback, message": (event("postback", 10, friend=A), message(20, "x", friend=A)),
    "message, the same again": (message(10, "x", friend=A), message(20, "x", friend=A)),
    "message, unsend, older message": (
        message(20, "x", friend=A, message_id="m1"), unsend(30, "m1", friend=A), message(10, "y", friend=A),
    ),
    "unfollow, postback, older message": (
        event("unfollow", 10, friend=A), event("postback", 30, friend=A), message(20, "x", friend=A),
    ),
    "two connections": (message(10, "x", friend=A), message(20, "y", friend=A, connection=2)),
    "three messages": tuple(message(10 * n, "xyz"[n], friend=A) for n in range(3)),
    "follow, beacon, unfollow, message": (
        event("follow", 10, friend=A), event("beacon", 20, friend=A),
        event("unfollow", 30, friend=A), message(40, "x", friend=A),
    ),
    "message, unfollow, message, unsend": (
        message(10, "x", friend=A), event("unfollow", 20, friend=A),
        message(30, "y", friend=A, message_id="m2"), unsend(40, "m2", friend=A),
    ),
    "follow, unfollow, import": (
        event("follow", 10, friend=A), event("unfollow", 20, friend=A), imported(30, friend=A),
    ),
    "follow, unfollow, import, unfollow": (
        event("follow", 10, friend=A), event("unfollow", 20, friend=A),
        imported(30, friend=A), event("unfollow", 40, friend=A),
    ),
    "the same three times": tuple(message(10 * n, "x", friend=A) for n in range(3)),
    "postback, unfollow": (event("postback", 10, friend=A), event("unfollow", 20, friend=A)),
    "message, resync": (message(10, "x", friend=A), order("resync", 20, friend=A)),
}  # fmt: skip
_ONE_TROUBLE: Mapping[str, Mapping[str, int]] = {
    "two acts": {"person": 2},
    "an act and a sweep": {"person": 1, "sweep": 1},
    "a crash and an act": {"crash": 1, "person": 1, "again": 1},
    "a late write and an act": {"late": 1, "person": 1},
    "a refusal, a late write and an act": {"refused": 1, "late": 1, "person": 1},
}
_TWO_TROUBLES: Mapping[str, Mapping[str, int]] = {
    "two acts and a sweep": {"person": 2, "sweep": 1},
    "two acts and a crash": {"person": 2, "crash": 1},
    "two acts and a late write": {"person": 2, "late": 1},
    "a crash, a late write and an act": {"crash": 1, "late": 1, "person": 1},
    "a late write, a sweep and an act": {"late": 1, "sweep": 1, "person": 1},
    "two crashes": {"crash": 2, "again": 1, "person": 1},
}
_EVERYTHING: Mapping[str, Mapping[str, int]] = {
    "everything": {"person": 2, "crash": 1, "late": 1, "sweep": 1, "again": 1},
}


def one(script: str, budgets: Mapping[str, int], portal: Portal = MINTING, *, pairs: bool = False) -> World:
    """A world of one friend."""
    trouble = [f"{kind} {times}" for kind, times in budgets.items()]
    more = [*(["pairs"] if pairs else []), *(["blocklist"] if portal.erasure_blocks else [])]
    more += ["adoptable"] if portal.rows else []
    name = f"{script} / {', '.join(trouble + more)}"
    return World(name, Script((SCRIPTS[script],), pairs), (A,), budgets=budgets, portal=portal)


def drifting(script: str, budgets: Mapping[str, int]) -> World:
    """A world in which people edit our own properties, too."""
    plain = one(script, budgets)
    return replace(plain, name=f"{plain.name} / edits", people=frozenset({"scribble", "delete", "restore"}))


def two(name: str, mine: tuple[EventRecord, ...], yours: tuple[EventRecord, ...], **budgets: int) -> World:
    """A world of two friends whom people merge."""
    trouble = ", ".join(f"{kind} {times}" for kind, times in budgets.items())
    portal = Portal(merge_mints="new id" in name)
    return World(f"{name} / {trouble}", Script((mine, yours)), (A, B), people=TWO, budgets=budgets, portal=portal)


MINE, YOURS = message(10, "x", friend=A), message(10, "y", friend=B)
MINE_2, YOURS_2 = message(20, "z", friend=A), message(20, "w", friend=B, connection=2)


def pairs_of_friends(deep: bool) -> Iterator[World]:
    """Two friends, each with a contact, who get merged."""
    yield two("two friends merged", (MINE, MINE_2), (YOURS,), person=1, sweep=1)
    yield two("two friends merged into a new id", (MINE, MINE_2), (YOURS,), person=1, sweep=1)
    yield two("two friends on two connections merged", (MINE, MINE_2), (YOURS_2,), person=2)
    yield two("two friends merged", (MINE,), (YOURS,), person=2, sweep=1)
    if deep:
        yield two("two friends merged into a new id", (MINE, MINE_2), (YOURS, YOURS_2), person=2)
        yield two("two friends merged", (MINE, MINE_2), (YOURS,), person=2, crash=1)
        yield two("two friends merged", (MINE, MINE_2), (YOURS,), person=1, late=1, sweep=1)


def worlds(deep: bool = False) -> Iterator[World]:
    """What CI explores; `deep` adds more trouble at once."""
    for script in SCRIPTS:
        for budgets in _ONE_TROUBLE.values():
            yield one(script, budgets)
    for script in ("follow, message, unfollow", "message, the same again"):
        for budgets in _TWO_TROUBLES.values():
            yield one(script, budgets)
    yield one("three messages", {"person": 2, "crash": 1})
    yield one("two connections", {"person": 1, "crash": 1}, pairs=True)
    yield one("message, the same again", {"person": 2, "late": 1}, ADOPTABLE)
    yield one("postback, message", {"person": 2, "crash": 1}, BLOCKING)
    yield drifting("follow, message, unfollow", {"person": 2, "sweep": 1})
    yield from pairs_of_friends(deep)
    if deep:
        for script in SCRIPTS:
            for budgets in (*_TWO_TROUBLES.values(), *_EVERYTHING.values()):
                yield one(script, budgets, pairs=len(SCRIPTS[script]) < 3)
