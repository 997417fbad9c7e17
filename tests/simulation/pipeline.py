"""The real turn and the real delivery of some friends, run step by step, with kills between any two steps."""

from dataclasses import dataclass, field
from typing import Any

from domain.batch_answers import ItemAnswer
from domain.delivery import Finished, begin, outcome_of
from domain.policy import FoldPolicy
from domain.turn import Incoming, turn
from schemas import topics
from schemas.changes import Change, read_change
from schemas.codec import encode
from schemas.events import EventRecord
from schemas.friends import FriendState, read_friend_state
from schemas.outcomes import read_outcome
from sinks.hubspot.calls import ask
from sinks.hubspot.lanes import Work
from sinks.hubspot.memory import Memory
from sinks.hubspot.rejections import RejectionBudget
from sinks.hubspot.settling import settle
from tests.simulation.crm import Broken, Crm


@dataclass
class Log:
    """What stands in the topics about one friend, how far it is folded, and the persisted state."""

    events: list[EventRecord] = field(default_factory=list)
    outcomes: list[bytes] = field(default_factory=list)
    events_read: int = 0
    outcomes_read: int = 0
    state: FriendState | None = None
    emitted: int = 0


class Pipeline:
    """Fold and sink around one simulated portal; `changes` is the topic between them."""

    def __init__(self, crm: Crm) -> None:
        self.crm, self.random = crm, crm.random
        self.logs = {friend: Log() for friend in crm.books}
        self.changes: list[bytes] = []
        self.generation = 0
        self._answered: set[int] = set()
        self._committed = 0
        self.restart_sink()

    def fold(self, friend: str, *, everything: bool = False, killed: bool = False) -> None:
        """One turn over some of what is unread; `killed`: after the emission, before the state is persisted."""
        log, random = self.logs[friend], self.random
        events, outcomes = len(log.events) - log.events_read, len(log.outcomes) - log.outcomes_read
        if not everything:
            events, outcomes = random.randint(0, events), random.randint(0, outcomes)
        items = self._items(log, events, outcomes)
        if not items:
            return
        made = turn(friend, log.state, items, now=self.crm.now, policy=FoldPolicy())
        if len(made.changes) > 1 or (made.changes and not outcomes and log.state and log.state.sent):
            raise Broken("a second change is open")
        self.changes += [encode(change) for change in made.changes]
        log.emitted += len(made.changes)
        if killed:
            return
        log.state = log.state if made.state is None else read_friend_state(encode(made.state))
        log.events_read += events
        log.outcomes_read += outcomes

    def _items(self, log: Log, events: int, outcomes: int) -> list[Incoming]:
        """The next records of both topics, in any interleaving."""
        waiting: list[list[Incoming]] = [
            [Incoming(topics.EVENTS.name, 0, at, log.events[at]) for at in _span(log.events_read, events)],
            [
                Incoming(topics.OUTCOMES.name, 0, at, read_outcome(log.outcomes[at]))
                for at in _span(log.outcomes_read, outcomes)
            ],
        ]
        items = []
        while waiting := [queue for queue in waiting if queue]:
            items.append(self.random.choice(waiting).pop(0))
        return items

    def read_again(self, friend: str) -> None:
        """The fold was killed after persisting and before the ack: it reads some records a second time."""
        log = self.logs[friend]
        log.events_read = self.random.randint(0, log.events_read)
        log.outcomes_read = self.random.randint(max(0, log.outcomes_read - 3), log.outcomes_read)

    def restart_sink(self) -> None:
        """A new owner starts at the commit, and reads back what was written."""
        self.generation += 1
        self.memory = Memory()
        for log in self.logs.values():
            for outcome in log.outcomes:
                self.memory.note(read_outcome(outcome))
        self._next = self._committed
        self._waiting: list[tuple[int, Change]] = []
        self._works: list[Work] = []

    @property
    def at_rest(self) -> bool:
        """Nothing is unread and nothing on its way."""
        unread = any(
            log.events_read < len(log.events) or log.outcomes_read < len(log.outcomes) for log in self.logs.values()
        )
        return not unread and self._next == len(self.changes) and not self._works and not self._waiting

    def take_change(self) -> None:
        """The sink reads its next change."""
        if self._next < len(self.changes):
            self._waiting.append((self._next, read_change(self.changes[self._next])))
            self._next += 1
        self._begin()

    def _begin(self) -> None:
        left = []
        for offset, change in self._waiting:
            if any(work.delivery.change.friend == change.friend for work in self._works):
                left.append((offset, change))
                continue
            started = begin(change, self.memory.of(change.friend))
            if isinstance(started, Finished):
                self._publish(Work(partition=0, offset=offset, delivery=started.delivery), started)
            else:
                self._works.append(Work(partition=0, offset=offset, delivery=started))
        self._waiting = left

    def call(self, trouble: str | None = None) -> None:
        """One call for some changes at the same step.

        `trouble`: `lost` = HubSpot never saw it, `late` = done, but no answer came, `killed` = the sink dies before it
        publishes, `uncommitted` = after it published.
        """
        if not self._works or trouble == "lost":
            return
        works = self._batch()
        self.crm.in_flight = [work.delivery.change for work in works]
        coroutine: Any = ask(self.crm, [work.delivery for work in works])
        try:
            coroutine.send(None)
        except StopIteration as stop:
            items: list[ItemAnswer] = stop.value[1]
        if trouble in ("late", "killed"):
            for work in works:
                self.crm.books[work.delivery.change.friend].excused |= work.delivery.step in ("create", "update")
            if trouble == "killed":
                self.restart_sink()
            return
        self._settle(works, items)
        if trouble == "uncommitted":
            self.restart_sink()
        while self._committed in self._answered:
            self._committed += 1
        self._begin()

    def _batch(self) -> list[Work]:
        """Changes at one step, each record and address once."""
        first = self.random.choice(self._works)
        batch, keys = [first], {first.key}
        for work in self._works:
            alone = first.delivery.alone or work.delivery.alone
            if work.delivery.step == first.delivery.step and work.key not in keys and not alone:
                keys.add(work.key)
                batch.append(work)
        return batch

    def _settle(self, works: list[Work], items: list[ItemAnswer]) -> None:
        now, budget = self.crm.now, RejectionBudget()
        settled = settle(works, items, now_ms=now, removed=frozenset(), budget=budget, chance=0.5)
        if settled.missing or settled.held:
            raise Broken("properties are missing, or a rejection was held back")
        for work, end in settled.finished:
            self._works.remove(work)
            self._publish(work, end)
        self.crm.hasty = {
            work.delivery.change.friend
            for work in self._works
            if work.delivery.step == "create" or work.delivery.path == "adopted"
        }

    def _publish(self, work: Work, end: Finished) -> None:
        outcome = outcome_of(end, at=self.crm.now, generation=self.generation, status=200, correlation=None)
        self.memory.note(outcome)
        self.logs[outcome.friend].outcomes.append(encode(outcome))
        self.crm.books[outcome.friend].note(work.delivery.change, outcome)
        self._answered.add(work.offset)
        if outcome.result in ("rejected", "parked"):
            raise Broken(f"a change was {outcome.result}")


def _span(start: int, count: int) -> range:
    return range(start, start + count)
