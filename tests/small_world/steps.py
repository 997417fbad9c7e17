"""Every step that fold, sink and sweep can take, over the real code.

Law: a step is a function of one lane (and of the portal, where it calls HubSpot) alone, so its results are remembered;
what it costs (`crash`, `late`, `sweep`, `again`, `person`) is taken from the world's budgets, progress costs nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as with_

from domain import sweep
from domain.batch_answers import Found
from domain.delivery import (
    Delivery,
    Finished,
    PropertiesMissing,
    Written,
    after,
    begin,
    outcome_of,
    refused_too_often,
)
from domain.registers import TRIGGERS
from domain.turn import Incoming, turn
from schemas import marks, topics
from schemas.events import EventRecord
from schemas.friends import FriendState
from schemas.outcomes import WROTE, Outcome
from sinks.hubspot.memory import Memory
from tests.small_world.diary import change_text, outcome_text
from tests.small_world.lane import BASE, NEVER, NOW, POLICY, READ, Lane, Mark, canonical, short
from tests.small_world.laws import overwrites, second_open, sent_again, stale, wrong_permission
from tests.small_world.portal import Portal, Row, answer

DAY = 2 * sweep.DAY_MS


class Broken(AssertionError):
    """A law of DESIGN 4 does not hold."""


@dataclass(frozen=True, slots=True)
class Step:
    """What may happen next: a sentence, what it costs, the lane and the portal after it."""

    text: str
    cost: str
    lane: int
    portal: int
    excused: bool = False
    broken: str = ""


@dataclass(frozen=True)
class Script:
    """What LINE tells about each friend, in the order of arrival."""

    events: tuple[tuple[EventRecord, ...], ...]
    pairs: bool = False


class Numbered:
    """Lanes and portals by number; the same twice has the same number."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self.portals: list[Portal] = []
        self._lanes: dict[bytes, int] = {}
        self._portals: dict[Portal, int] = {}

    def lane(self, lane: Lane) -> int:
        """The number of a lane, which becomes canonical."""
        key = canonical(lane)
        number = self._lanes.setdefault(key, len(self.lanes))
        if number == len(self.lanes):
            self.lanes.append(lane)
        return number

    def portal(self, portal: Portal) -> int:
        """The number of a portal."""
        number = self._portals.setdefault(portal, len(self.portals))
        if number == len(self.portals):
            self.portals.append(portal)
        return number


class Steps:
    """The steps of one script, remembered."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.numbered = Numbered()
        self._remembered: dict[tuple[int, int, str], list[Step]] = {}

    def of_lane(self, friend: int, number: int, cost: str) -> list[Step]:
        """Steps of this cost that ask nothing of HubSpot."""
        key = (friend, number, cost)
        if key not in self._remembered:
            lane = self.numbered.lanes[number]
            self._remembered[key] = [*self._folds(friend, lane, cost), *self._owners(lane, cost)]
        return self._remembered[key]

    def with_portal(self, number: int, portal: int, cost: str) -> list[Step]:
        """Steps of this cost that are calls to HubSpot."""
        key = (-1 - portal, number, cost)
        if key not in self._remembered:
            lane, place = self.numbered.lanes[number], self.numbered.portals[portal]
            if cost == "sweep":
                found = [*self._looks(lane, place, portal)]
            else:
                found = [*self._calls(lane, place, portal, cost)]
                if not cost:
                    found += self._late_call(lane, place, portal)
            self._remembered[key] = found
        return self._remembered[key]

    # the fold

    def _folds(self, friend: int, lane: Lane, cost: str) -> Iterator[Step]:
        if cost in ("", "crash"):
            for items, text, events, outcomes in self._runs(friend, lane):
                yield from self._turn(lane, items, f"The fold takes {text}", cost, events, outcomes)
            if lane.unread and cost:
                yield from self._twice(lane, lane.unread[0])
        elif cost == "again":
            events = self.script.events[friend]
            for number in range(lane.folded):
                text = f"Event {number + 1} is delivered again; the fold takes it"
                yield from self._turn(lane, [_event(events[number])], text, "", 0, 0, paid="again")

    def _runs(self, friend: int, lane: Lane) -> Iterator[tuple[list[Incoming], str, int, int]]:
        """What the fold may read next: one record of either topic, and, where the script wants pairs, two."""
        left, number = self.script.events[friend][lane.folded :], lane.folded + 1
        told = [_outcome(lane.unread[0])] if lane.unread else []
        if left:
            first = _event(left[0])
            yield [first], f"event {number}", 1, 0
            if self.script.pairs and left[1:]:
                yield [first, _event(left[1])], f"events {number} and {number + 1}", 2, 0
            if self.script.pairs and told:
                yield [first, *told], f"event {number} and {outcome_text(lane.unread[0])}", 1, 1
                yield [*told, first], f"{outcome_text(lane.unread[0])} and event {number}", 1, 1
        if told:
            yield told, outcome_text(lane.unread[0]), 0, 1

    def _turn(
        self, lane: Lane, items: Sequence[Incoming], text: str, cost: str, events: int, outcomes: int, paid: str = ""
    ) -> Iterator[Step]:
        """One turn; a crash comes after the emission and before the state is persisted."""
        made = lane.copy()
        result = turn(lane.friend, lane.state, items, now=NOW, policy=POLICY)
        made.queue += result.changes
        text += "".join(f" and emits {change_text(change)}" for change in result.changes)
        if cost:
            if result.changes:
                yield self._step(f"{text}, and is killed before it persists.", cost, made)
            return
        broken = (
            second_open(lane, items, result.changes)
            or wrong_permission(lane, result)
            or sent_again(lane, items, result)
        )
        broken = broken or stale(lane, items, result)
        made.state = result.state or lane.state
        made.folded += events
        made.unread = made.unread[outcomes:]
        yield Step(f"{text}.", paid, self.numbered.lane(made), -1, broken=broken)

    def _twice(self, lane: Lane, told: Outcome) -> Iterator[Step]:
        """Killed between persisting and the ack: the same outcome is read again."""
        made = lane.copy()
        for _ in range(2):
            result = turn(lane.friend, made.state, [_outcome(told)], now=NOW, policy=POLICY)
            made.state = result.state or made.state
            made.queue += result.changes
        made.unread = made.unread[1:]
        text = f"The fold takes {outcome_text(told)}, is killed before the ack, and takes it again."
        broken = "an outcome that is read again changes something" if result.state is not None else ""
        yield Step(text, "crash", self.numbered.lane(made), -1, broken=broken)

    # the two owners

    def _owners(self, lane: Lane, cost: str) -> Iterator[Step]:
        if not cost:
            yield from self._late_ends(lane)
            if lane.sight is not None:
                seen = lane.copy()
                seen.sight = None
                seen.unread.append(lane.sight)
                yield self._step(f"The sweep publishes {outcome_text(lane.sight)}.", "", seen)
        elif cost == "late" and lane.queue and lane.late is None and lane.telling is None:
            first = lane.delivery or begin(lane.queue[0], lane.memory)
            if isinstance(first, Delivery) and first.step in ("update", "create"):
                frozen = lane.copy()
                frozen.late, frozen.late_generation = first, lane.generation
                _new_owner(frozen)
                name = f"The owner freezes before batch/{first.step}; a new one starts from the commit."
                yield self._step(name, "late", frozen)

    def _late_ends(self, lane: Lane) -> Iterator[Step]:
        if lane.telling is not None:
            told = lane.copy()
            told.telling = None
            told.truth = told.truth._replace(silent=False)
            _publish(told, lane.telling, own=False)
            yield self._step(f"The old owner publishes late: {outcome_text(lane.telling)}.", "", told)
        if lane.late is not None or lane.telling is not None:
            dead = lane.copy()
            dead.late = dead.telling = None
            yield self._step("The old owner dies.", "", dead)

    def _step(self, text: str, cost: str, lane: Lane) -> Step:
        return Step(text, cost, self.numbered.lane(lane), -1)

    # calls

    def _calls(self, lane: Lane, portal: Portal, old: int, cost: str) -> Iterator[Step]:
        if not lane.queue or cost not in ("", "crash", "late", "refused"):
            return
        started = lane.delivery or begin(lane.queue[0], lane.memory)
        if cost == "refused":
            if isinstance(started, Delivery) and started.step in ("update", "create"):
                end = refused_too_often(started, "hubspot_unavailable")
                yield from self._finished(lane, end, old, f"HubSpot fails at every {started.step}", cost)
            return
        if isinstance(started, Finished):
            yield from self._finished(lane, started, old, "The sink begins", cost)
            return
        made, item = answer(portal, started)
        new = old if made is portal else self.numbered.portal(made)
        following = after(started, item, now=0)
        if isinstance(following, PropertiesMissing):
            raise Broken("a property is missing")
        wrote = started.step in ("update", "create") and item.found is not None
        text, broken, excused = self._judged(lane, portal, started, item.found)
        broken = broken or overwrites(portal, started)
        applied = _applied(lane, started, item.found) if wrote else lane
        if excused and portal.of_friend(lane.friend):
            applied.truth = applied.truth._replace(twins=True)
        if isinstance(following, Finished):
            for step in self._finished(applied, following, new, text, cost):
                yield replace(step, excused=excused, broken=broken or step.broken)
        elif not cost:
            on = applied.copy()
            on.delivery = following
            yield Step(f"{text}; next is {following.step}.", "", self.numbered.lane(on), new, excused, broken)
        if cost == "late" and wrote and (started.step == "create" or new != old):
            lost = applied.copy()
            lost.delivery = started
            yield Step(f"{text}, but no answer comes.", cost, self.numbered.lane(lost), new, excused, broken)

    def _finished(self, lane: Lane, end: Finished, portal: int, text: str, cost: str) -> Iterator[Step]:
        outcome = short(outcome_of(end, at=NOW, generation=lane.generation, status=200, correlation=None))
        done = lane.copy()
        done.delivery = None
        text = f"{text}; it publishes {outcome_text(outcome)}"
        if cost == "crash":
            _publish(done, outcome, own=True)
            _new_owner(done)
            yield Step(f"{text} and is killed before the commit.", cost, self.numbered.lane(done), portal)
            return
        done.queue = done.queue[1:]
        if cost == "late":
            done.truth = done.truth._replace(silent=True)
            yield Step(f"{text}, which is lost.", cost, self.numbered.lane(done), portal)
            return
        _publish(done, outcome, own=True)
        broken = f"a change was {outcome.result}" if not cost and outcome.result in ("rejected", "parked") else ""
        yield Step(f"{text} and commits.", cost, self.numbered.lane(done), portal, broken=broken)

    def _judged(self, lane: Lane, portal: Portal, delivery: Delivery, found: Found | None) -> tuple[str, str, bool]:
        """What a call is called, whether a creation breaks a law, and whether an exception of 4.3 excuses it."""
        text = f"The sink calls {delivery.step} ({delivery.target or delivery.change.email[:6]})"
        if delivery.step != "create" or found is None:
            return text, "", False
        text += f" and makes contact {found.id}"
        wanted, truth = delivery.change.may_create, lane.truth
        if not truth.contact:
            return text, "" if wanted else "a contact is made without permission", False
        if not truth.known:  # the write before this one is known to nobody
            return text, "", True
        mark: Mark = NEVER if wanted is None or wanted.kind not in TRIGGERS else (wanted.at, wanted.id)
        if mark > truth.applied:
            if truth.erased:
                return text, "a contact is made after an erasure", False
            living = portal.of_friend(lane.friend)
            return text, f"a contact is made beside {living[0].id}" if living and not truth.twins else "", False
        if mark > truth.told:
            return text, "", True
        return text, "a contact comes back without a newer message or follow", False

    def _late_call(self, lane: Lane, portal: Portal, old: int) -> Iterator[Step]:
        late = lane.late
        if late is None:
            return
        made, item = answer(portal, late)
        new = old if made is portal else self.numbered.portal(made)
        following = after(late, item, now=0)
        done = (_applied(lane, late, item.found) if item.found is not None else lane).copy()
        if item.found is not None and (late.step == "create" or item.found.id != lane.truth.contact):
            done.truth = done.truth._replace(twins=True)
        if item.found is not None:
            done.truth = done.truth._replace(silent=True)
        done.late = None
        text = f"The old owner wakes: its {late.step} reaches HubSpot"
        if isinstance(following, Finished):
            told = outcome_of(following, at=NOW, generation=lane.late_generation, status=200, correlation=None)
            done.telling = short(told)
        yield Step(f"{text}.", "", self.numbered.lane(done), new)

    # the sweep

    def _looks(self, lane: Lane, portal: Portal, old: int) -> Iterator[Step]:
        if lane.state is None or lane.sight is not None or any(one.read_at is not None for one in lane.unread):
            return
        told: list[Outcome | None] = []
        if not lane.queue:
            told.append(sweep.unanswered(lane.state, now=NOW, generation=lane.generation))
        told.extend(look(lane.state, portal, NOW + later) for later in (0, DAY))
        for sight in told:
            if sight is not None:
                seen = lane.copy()
                seen.sight = short(with_(sight, at=NOW, read_at=NOW, generation=1))
                yield Step(f"The sweep looks: {outcome_text(sight)}.", "sweep", self.numbered.lane(seen), old)


def look(row: FriendState, portal: Portal, now: int) -> Outcome | None:
    """The real decisions of the sweep, over the model's portal."""
    asked = sweep.look_of(row, now=now)
    if asked is None:
        return None
    behind = portal.behind(asked.contact) if asked.contact else None
    alive = behind if behind is not None and behind.status == "live" else None
    in_bin = behind if behind is not None and behind.status == "bin" else None
    owner = portal.owner(asked.email) if asked.email else None
    seen = sweep.Seen(read_at=now, alive=_as_found(alive), archived=_as_found(in_bin), by_email=_as_found(owner))
    return sweep.sight_of(row, seen, generation=1)


def _as_found(row: Row | None) -> Found | None:
    return None if row is None else Found(id=row.id, properties=row.properties)


def _event(record: EventRecord) -> Incoming:
    return Incoming(topics.EVENTS.name, 0, 0, record)


def _outcome(outcome: Outcome) -> Incoming:
    return Incoming(topics.OUTCOMES.name, 0, READ + 1, outcome)


def _new_owner(lane: Lane) -> None:
    lane.generation += 1
    lane.delivery = None
    lane.memory = lane.published
    if lane.published is not None:
        _tell(lane, lane.published.trigger)


def _publish(lane: Lane, outcome: Outcome, *, own: bool) -> None:
    """Append an outcome; whoever starts later reads it back, and its own owner remembers it."""
    first = all((one.revision, one.digest) != (outcome.revision, outcome.digest) for one in lane.unread)
    lane.unread.append(outcome)
    lane.published = _noted(lane.published, lane.friend, outcome)
    if outcome.result not in WROTE:
        lane.truth = lane.truth._replace(refused=True)
    elif own and first and outcome.revision == BASE:
        lane.truth = lane.truth._replace(refused=False)
    if own:
        lane.memory = _noted(lane.memory, lane.friend, outcome)
        if outcome.result in WROTE:
            _tell(lane, None if outcome.shadowed else outcome.trigger)


def _tell(lane: Lane, trigger: marks.Mark | None) -> None:
    """The owner knows of a write; a first permission of another kind counts as no message and no follow."""
    truth = lane.truth
    mark = NEVER if trigger is None else min((trigger.at, trigger.id), truth.applied)
    lane.truth = truth._replace(told=max(truth.told, mark), known=True)


def _noted(before: Written | None, friend: str, outcome: Outcome) -> Written | None:
    """The real memory, of one friend."""
    memory = Memory()
    if before is not None:
        memory._written[friend] = before
    memory.note(outcome)
    return memory.of(friend)


def _applied(lane: Lane, delivery: Delivery, found: Found | None) -> Lane:
    """HubSpot took a write."""
    done = lane.copy()
    trigger, truth = delivery.change.may_create, lane.truth
    if trigger is not None and trigger.kind in TRIGGERS and not delivery.shadowed:
        truth = truth._replace(applied=max(truth.applied, (trigger.at, trigger.id)))
    if found is not None:
        truth = truth._replace(contact=found.id, erased=truth.erased and found.id == truth.contact)
    done.truth = truth
    return done
