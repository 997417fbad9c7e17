"""Every state that a small world can reach, breadth first.

Law: a world is its lanes, its portal and what is left of its budgets, packed into one number; breadth first, so that
the first violation has the shortest story. Steps without a cost only go on with what is under way: a cycle of them
would emit for ever, a world that has none left is at rest, and at rest a sweep must find or make everything right.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from domain.compare import differing
from domain.order import is_newer
from domain.projection import properties_of
from tests.small_world.lane import NOW, Lane
from tests.small_world.portal import Portal, acts
from tests.small_world.steps import DAY, Broken, Script, Step, Steps, look

_LANE = 22
_PORTAL = 16
_BUDGET = 12
_ROUNDS = 12


@dataclass(frozen=True)
class World:
    """One small world: what LINE tells, what people may do, what may go wrong, and how HubSpot began."""

    name: str
    script: Script
    friends: tuple[str, ...]
    people: frozenset[str] = frozenset({"delete", "restore", "erase", "edit", "foreign"})
    budgets: Mapping[str, int] = field(default_factory=dict)
    portal: Portal = field(default_factory=Portal)


@dataclass
class Explored:
    """What was found."""

    name: str
    states: int = 0
    steps: int = 0
    rests: int = 0
    excused: int = 0
    broken: str = ""
    diary: list[str] = field(default_factory=list)


class Explorer:
    """Walks one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.steps = Steps(world.script)
        self.kinds = sorted(world.budgets)
        self.budgets: list[tuple[int, ...]] = []
        self._budget_numbers: dict[tuple[int, ...], int] = {}
        self._paid: dict[tuple[int, str], int] = {}
        self._acts: dict[tuple[int, ...], list[tuple[str, tuple[int, ...], int]]] = {}
        self._rested: dict[tuple[int, ...], str] = {}

    def explore(self, most: int = 10_000_000) -> Explored:
        """Visit everything; stops at the first violation."""
        found = Explored(self.world.name)
        first = self._first()
        self._worlds = worlds = [first]
        self._came_from = array("q", [-1])
        numbers = {first: 0}
        edges_from, edges_to = array("l"), array("l")
        here = 0
        while here < len(worlds):
            free = 0
            for world, text, cost, excused, broken in self._following(worlds[here]):
                found.steps += 1
                found.excused += excused
                if broken:
                    return self._break(found, here, text, broken)
                number = numbers.setdefault(world, len(worlds))
                if number == len(worlds):
                    worlds.append(world)
                    self._came_from.append(here)
                if not cost and number != here:
                    free += 1
                    edges_from.append(here)
                    edges_to.append(number)
            if not free:
                found.rests += 1
                if broken := self._at_rest(worlds[here]):
                    return self._break(found, here, "Everything comes to rest, and sweeps look for some days.", broken)
            here += 1
            if here > most:
                break
        found.states = len(worlds)
        if (place := _on_a_cycle(len(worlds), edges_from, edges_to)) is not None:
            return self._break(found, place, "From here on a cycle of steps needs nobody.", "it emits for ever")
        return found

    def _first(self) -> int:
        lanes = tuple(self.steps.numbered.lane(Lane(friend=friend)) for friend in self.world.friends)
        portal = self.steps.numbered.portal(self.world.portal)
        return self._pack(lanes, portal, self._budget(tuple(self.world.budgets[kind] for kind in self.kinds)))

    def _budget(self, left: tuple[int, ...]) -> int:
        number = self._budget_numbers.setdefault(left, len(self.budgets))
        if number == len(self.budgets):
            self.budgets.append(left)
        return number

    def _pay(self, budget: int, cost: str) -> int:
        """The budget after a cost, -1 if there is not enough."""
        key = (budget, cost)
        if key not in self._paid:
            left = self.budgets[budget]
            place = self.kinds.index(cost) if cost in self.kinds else -1
            enough = place >= 0 and left[place] > 0
            after = tuple(one - (at == place) for at, one in enumerate(left))
            self._paid[key] = self._budget(after) if enough else -1
        return self._paid[key]

    def _pack(self, lanes: tuple[int, ...], portal: int, budget: int) -> int:
        packed = budget << _PORTAL | portal
        for lane in lanes:
            packed = packed << _LANE | lane
        return packed

    def _unpack(self, world: int) -> tuple[tuple[int, ...], int, int]:
        lanes: tuple[int, ...] = ()
        for _ in self.world.friends:
            lanes = (world & (1 << _LANE) - 1, *lanes)
            world >>= _LANE
        return lanes, world & (1 << _PORTAL) - 1, world >> _PORTAL

    def _following(self, world: int) -> Iterator[tuple[int, str, str, bool, str]]:
        lanes, portal, budget = self._unpack(world)
        for cost in ("", *self.kinds):
            left = self._pay(budget, cost) if cost else budget
            if left < 0 or cost == "person":
                continue
            for place, lane in enumerate(lanes):
                for steps in (self.steps.of_lane(place, lane, cost), self.steps.with_portal(lane, portal, cost)):
                    for step in steps:
                        after = (*lanes[:place], step.lane, *lanes[place + 1 :])
                        to = self._pack(after, portal if step.portal < 0 else step.portal, left)
                        yield to, step.text, cost, step.excused, step.broken
        left = self._pay(budget, "person")
        if left >= 0:
            for text, after, to_portal in self._people(lanes, portal):
                yield self._pack(after, to_portal, left), text, "person", False, ""

    def _people(self, lanes: tuple[int, ...], portal: int) -> list[tuple[str, tuple[int, ...], int]]:
        key = (*lanes, portal)
        if key not in self._acts:
            numbered = self.steps.numbered
            self._acts[key] = [
                (
                    act.text,
                    lanes if act.erased is None else tuple(self._erased(lane, act.erased) for lane in lanes),
                    numbered.portal(act.portal),
                )
                for act in acts(numbered.portals[portal], self.world.people)
            ]
        return self._acts[key]

    def _erased(self, number: int, contact: str) -> int:
        """The judge hears of an erasure; one between the sink's look and its create is an exception of DESIGN 4.3."""
        lane = self.steps.numbered.lanes[number]
        under_way = [one for one in (lane.delivery, lane.late) if one is not None and one.target != contact]
        known = {None if lane.memory is None else lane.memory.contact}
        if not lane.queue and lane.state is not None and lane.state.contact is not None:
            known.add(lane.state.contact.id)
        if lane.truth.contact != contact or contact not in known or under_way:
            return number
        told = lane.copy()
        told.truth = told.truth._replace(erased=True)
        return self.steps.numbered.lane(told)

    # the end

    def _at_rest(self, world: int) -> str:
        lanes, portal, budget = self._unpack(world)
        acted = any(
            left < self.world.budgets[kind]
            for kind, left in zip(self.kinds, self.budgets[budget], strict=True)
            if kind == "person"
        )
        key = (*lanes, portal, acted)
        if key not in self._rested:
            numbered = self.steps.numbered
            every = [numbered.lanes[lane] for lane in lanes]
            before = (_wrong_before(lane, numbered.portals[portal], acted) for lane in every)
            try:
                self._rested[key] = next(filter(None, before), "") or self._judge_rest(lanes, portal)
            except Broken as broken:
                self._rested[key] = str(broken)
        return self._rested[key]

    def _judge_rest(self, lanes: tuple[int, ...], portal: int) -> str:
        """Sweep until nothing is news any more; then every contact is as its friend's events want it."""
        for _ in range(_ROUNDS):
            before = (lanes, portal)
            for place in range(len(lanes)):
                for later in (0, DAY):
                    lanes, portal = self._swept(lanes, portal, place, later)
            if before == (lanes, portal):
                break
        else:
            return "sweeps make it emit for ever"
        numbered = self.steps.numbered
        every = [numbered.lanes[lane] for lane in lanes]
        return next((wrong for lane in every if (wrong := _wrong(lane, numbered.portals[portal]))), "")

    def _swept(self, lanes: tuple[int, ...], portal: int, place: int, later: int) -> tuple[tuple[int, ...], int]:
        numbered = self.steps.numbered
        lane = numbered.lanes[lanes[place]]
        if lane.state is None:
            return lanes, portal
        looks = self.steps.with_portal(lanes[place], portal, "sweep")
        if lane.state.sent is None and look(lane.state, numbered.portals[portal], NOW + later) is None:
            return lanes, portal
        if not looks:
            return lanes, portal
        step = looks[0] if not later else looks[-1]
        return self._drained((*lanes[:place], step.lane, *lanes[place + 1 :]), portal)

    def _drained(self, lanes: tuple[int, ...], portal: int) -> tuple[tuple[int, ...], int]:
        """Go on with what is under way until nothing is."""
        for _ in range(200):
            step, place = self._next(lanes, portal)
            if step is None:
                return lanes, portal
            if step.broken:
                raise Broken(step.broken)
            lanes = (*lanes[:place], step.lane, *lanes[place + 1 :])
            portal = portal if step.portal < 0 else step.portal
        raise Broken("it never comes to rest")

    def _next(self, lanes: tuple[int, ...], portal: int) -> tuple[Step | None, int]:
        for place, lane in enumerate(lanes):
            for steps in (self.steps.of_lane(place, lane, ""), self.steps.with_portal(lane, portal, "")):
                for step in steps:
                    if step.lane != lane:
                        return step, place
        return None, 0

    def _break(self, found: Explored, here: int, text: str, broken: str) -> Explored:
        found.states, found.broken = len(self._worlds), broken
        found.diary = [*self._story(here), text]
        return found

    def _story(self, here: int) -> list[str]:
        """The sentences on the way to a world."""
        path = [here]
        while self._came_from[path[-1]] >= 0:
            path.append(self._came_from[path[-1]])
        path.reverse()
        texts = []
        for one, other in pairwise(path):
            to = self._worlds[other]
            texts.append(next(text for world, text, *_ in self._following(self._worlds[one]) if world == to))
        return texts


def _wrong_before(lane: Lane, portal: Portal, acted: bool) -> str:
    """What is wrong at rest although no sweep has looked yet."""
    state, silent = lane.state, lane.truth.silent
    if state is None or state.contact is None:
        return ""
    if state.sent is not None:
        return "" if silent else "a change stays open"
    if state.rewrite and state.blocked is None:
        return "a rewrite is asked for, and nothing comes of it"
    newer = is_newer(state.trigger, state.trigger_delivered)
    if state.blocked is not None:
        if not lane.truth.refused:
            return "blocked, though the last answer was no refusal"
        if newer and is_newer(state.trigger, state.blocked.trigger):
            return "a newer message or follow does not lift the block"
        return ""
    if state.contact.status != "live" or silent:
        return ""
    if portal.behind(state.contact.id) != portal.behind(lane.truth.contact):
        return "another contact is linked than the one that was written last"
    shadowed = any(one.shadowed for one in state.connections.values())
    if newer and not shadowed:
        return "a message or follow was carried by no write"
    row = portal.living(state.contact.id)
    if acted or row is None:
        return ""
    wrong = differing(properties_of(lane.friend, state.connections), row.properties)
    return f"the contact differs before any sweep: {', '.join(wrong)}" if wrong else ""


def _wrong(lane: Lane, portal: Portal) -> str:
    """What is wrong with a friend when everything has come to rest."""
    state = lane.state
    if state is None or state.erased_at is not None:
        return ""
    contact = state.contact
    if state.sent is not None:
        return "a change stays open"
    if contact is None or contact.status == "none":
        if state.blocked is not None:
            return ""
        return "a contact is missing that was permitted" if state.permit is not None else ""
    if state.blocked is not None and state.blocked.code != "nowhere":
        return f"blocked: {state.blocked.code}"
    row = portal.living(contact.id)
    if contact.status == "gone":
        if row is not None:
            return "a living contact is taken for deleted"
        if lane.truth.erased and contact.id == lane.truth.contact and portal.behind(contact.id) is None:
            return "a friend who was erased for privacy is remembered"
        if state.blocked is None and is_newer(state.trigger, state.trigger_delivered):
            return "a message that nobody was shown does not bring the contact back"
        newest = state.trigger_delivered
        if state.blocked is None and newest is not None and (newest.at, newest.id) > lane.truth.applied:
            return "a message counts as shown and never was"
        return ""
    if row is None:
        return "a deleted contact is taken for alive"
    wanted = properties_of(lane.friend, state.connections)
    if wrong := differing(wanted, row.properties):
        return f"the contact differs: {', '.join(wrong)}"
    if state.trigger_delivered is not None:
        delivered = state.trigger_delivered
        if (delivered.at, delivered.id) > lane.truth.applied:
            return "a message counts as shown and never was"
    return ""


def _on_a_cycle(count: int, edges_from: array[int], edges_to: array[int]) -> int | None:
    """Peel off what nothing leads to, again and again; what is left lies on or behind a cycle."""
    incoming = array("l", bytes(8 * count))
    start = array("l", bytes(8 * (count + 1)))
    for to in edges_to:
        incoming[to] += 1
    for one in edges_from:
        start[one + 1] += 1
    for place in range(count):
        start[place + 1] += start[place]
    peeled = [place for place in range(count) if not incoming[place]]
    done = 0
    while peeled:
        place = peeled.pop()
        done += 1
        for edge in range(start[place], start[place + 1]):
            to = edges_to[edge]
            incoming[to] -= 1
            if not incoming[to]:
                peeled.append(to)
    return None if done == count else next(place for place in range(count) if incoming[place])
