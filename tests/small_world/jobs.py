"""What a process of the pool does. Law: named by its arguments alone, for it runs in another process."""

from tests.small_world.explorer import Explored, Explorer, World
from tests.small_world.mutations import missing
from tests.small_world.rules import MUTATIONS
from tests.small_world.worlds import worlds


def every_world(deep: bool) -> dict[str, World]:
    """The worlds to explore by name, and those in which a removed rule is missed: with the rule they must be sound."""
    found = {world.name: world for world in worlds(deep)}
    return found | {rule.world.name: rule.world for rule in MUTATIONS}


def explore(name: str, deep: bool) -> Explored:
    """Visit every state of the world of this name."""
    return Explorer(every_world(deep)[name]).explore()


def without_rule(rule: str) -> Explored:
    """Visit the world that shall miss this rule."""
    return missing(next(one for one in MUTATIONS if one.rule == rule))
