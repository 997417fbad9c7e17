"""The exhaustive check in small: some worlds whole, and some rules removed. `make small-world` does all."""

import pytest

from tests.small_world.explorer import Explorer
from tests.small_world.mutations import missing, without
from tests.small_world.rules import MUTATIONS
from tests.small_world.worlds import MINE, YOURS, one, two

WORLDS = [
    one("postback, message", {"person": 2}),
    one("message, the same again", {"person": 1, "sweep": 1}),
    two("two friends merged", (MINE,), (YOURS,), person=1),
]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_no_state_of_a_small_world_breaks_a_law(world):
    found = Explorer(world).explore()
    assert (found.broken, found.diary) == ("", [])
    assert found.states > 80
    assert found.rests > 10


@pytest.mark.parametrize(
    "rule", ["sent: wait", "in place: nothing", "nowhere: never created", "an outcome is folded once"]
)
def test_a_removed_rule_is_missed_and_the_diary_tells_how(rule):
    found = missing(next(one for one in MUTATIONS if one.rule == rule))
    assert found.broken
    assert found.diary


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.rule)
def test_every_rule_stands_where_the_table_says(mutation):
    with without(mutation):
        pass


def test_the_same_world_has_the_same_states_again():
    first, again = (Explorer(WORLDS[0]).explore() for _ in range(2))
    assert (first.states, first.steps, first.rests) == (again.states, again.steps, again.rests)
