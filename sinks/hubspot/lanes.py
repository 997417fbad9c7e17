"""Changes waiting for their next call, gathered by the step they need.

Law: a batch has one step, at most `size` changes, and each record and each address at most once; what was refused or
failed as a batch is repeated as that batch or as parts of it. Pure: time is passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from domain.delivery import Delivery, Step

BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """How long changes wait for others to share their call, in seconds.

    In quiet times a part of a batch is sent after `period`. While changes keep coming (more than `few` wait, the last
    one came less than a period ago) it waits on, at most `patience`. When `many` came within `longest`, all wait
    until they are that old, counted from the fold's writing them: meanwhile the fold gathers what else these
    friends do into their next change. What is old already, or more than `crowd`, goes as fast as HubSpot allows.
    Later steps of a change wait only `brief`.
    """

    size: int = BATCH
    period: float = 0.2
    patience: float = 0.8
    longest: float = 1.5
    brief: float = 0.05
    few: int = 10
    many: int = 150
    crowd: int = 15 * BATCH

    @classmethod
    def of_ms(cls, period_ms: int) -> Gathering:
        """The policy for HUBSPOT_BATCH_MS."""
        period = period_ms / 1000
        return cls(period=period, patience=4 * period, longest=7.5 * period, brief=min(0.05, period))


@dataclass(slots=True, eq=False, kw_only=True)
class Work:
    """One change in the sink: where it was read, when the fold wrote it (on our clock), and how far it is."""

    partition: int
    offset: int
    delivery: Delivery
    written_at: float = 0.0
    since: float = 0.0

    @property
    def key(self) -> str:
        """What may be in one call at a time only: the record, or the address of one not known yet."""
        return self.delivery.target or self.delivery.change.email.lower()


@dataclass(slots=True, eq=False, kw_only=True)
class Group:
    """The changes of one call; `failures` in a row, and how many calls had succeeded at the first of them."""

    works: list[Work]
    not_before: float = 0.0
    failures: int = 0
    successes_before: int = 0

    @property
    def step(self) -> Step:
        return self.works[0].delivery.step

    def halves(self) -> list[Group]:
        """Two groups with half of the changes each; nothing is held against them yet."""
        middle = (len(self.works) + 1) // 2
        return [Group(works=self.works[:middle]), Group(works=self.works[middle:])]


@dataclass(slots=True)
class _Lane:
    works: list[Work] = field(default_factory=list)
    last_put: float = 0.0


class Lanes:
    """One lane for each step, and the groups that are to be repeated."""

    def __init__(self, policy: Gathering) -> None:
        self._policy = policy
        self._lanes: dict[Step, _Lane] = {}
        self._groups: list[Group] = []
        self._delayed: list[tuple[float, Work]] = []
        self._arrived: deque[float] = deque()

    def enter(self, work: Work, now: float) -> None:
        """Let a change wait for its first call."""
        self._arrived.append(now)
        self.put(work, now)

    def put(self, work: Work, now: float, delay: float = 0.0) -> None:
        """Let a change wait for its step, `delay` seconds later at the earliest."""
        if delay > 0:
            self._delayed.append((now + delay, work))
            return
        if work.delivery.alone:
            self.put_group(Group(works=[work]))
            return
        lane = self._lanes.setdefault(work.delivery.step, _Lane())
        work.since = now
        lane.works.append(work)
        lane.last_put = now

    def put_group(self, group: Group) -> None:
        """Let exactly these changes be sent together."""
        self._groups.append(group)

    def take(self, now: float, busy: Collection[str]) -> Group | None:
        """A batch that is due, without the records and addresses in `busy`; removed from here."""
        self._wake(now)
        for place, group in enumerate(self._groups):
            if group.not_before <= now and not any(work.key in busy for work in group.works):
                return self._groups.pop(place)
        filled = [(lane.works[0].since, step) for step, lane in self._lanes.items() if lane.works]
        for _since, step in sorted(filled):
            lane = self._lanes[step]
            if self._due_in(step, lane, now) <= 0 and (batch := self._cut(lane, busy)):
                return batch
        return None

    def due_in(self, now: float) -> float | None:
        """Seconds until something may be due; None when nothing waits."""
        self._wake(now)
        waits = [self._due_in(step, lane, now) for step, lane in self._lanes.items() if lane.works]
        waits += [group.not_before - now for group in self._groups]
        waits += [at - now for at, _work in self._delayed]
        return max(0.0, min(waits)) if waits else None

    def clear(self) -> None:
        """Forget everything."""
        self._lanes.clear()
        self._groups.clear()
        self._delayed.clear()
        self._arrived.clear()

    def _wake(self, now: float) -> None:
        ready = [work for at, work in self._delayed if at <= now]
        if ready:
            self._delayed = [(at, work) for at, work in self._delayed if at > now]
            for work in ready:
                self.put(work, now)

    def _cut(self, lane: _Lane, busy: Collection[str]) -> Group | None:
        taken: list[Work] = []
        left: list[Work] = []
        keys = set(busy)
        for work in lane.works:
            if len(taken) < self._policy.size and work.key not in keys:
                keys.add(work.key)
                taken.append(work)
            else:
                left.append(work)
        lane.works = left
        return Group(works=taken) if taken else None

    def _due_in(self, step: Step, lane: _Lane, now: float) -> float:
        waiting, policy = len(lane.works), self._policy
        age = now - lane.works[0].since
        if step not in ("update", "create"):
            return 0.0 if waiting >= policy.size else policy.brief - age
        if waiting < policy.crowd and self._is_busy_time(now):
            return policy.longest - max(age, now - lane.works[0].written_at)
        if waiting >= policy.size:
            return 0.0
        wait = policy.period - age
        if wait > 0 or waiting <= policy.few:
            return wait
        return min(policy.period - (now - lane.last_put), policy.patience - age)

    def _is_busy_time(self, now: float) -> bool:
        while self._arrived and now - self._arrived[0] >= self._policy.longest:
            self._arrived.popleft()
        return len(self._arrived) >= self._policy.many
