"""All that exists about one friend between LINE and HubSpot, in a canonical form.

Law: two lanes that no future step can tell apart are the same lane. What is renamed, and why that is sound:

- Clocks of ours (`at` of contact, seen, outcomes, memory; `read_at`): the code only asks which of two is later, and
  whether 80 days or an hour have passed; within one small life neither has. So times are replaced by their ranks; what
  is compared with nothing that exists any more gets the lowest rank; whatever happens next is later than all.
- Revisions: the code asks only whether an outcome's equals that of the open change. The state's becomes BASE, that of
  the open change too; older ones, which no later revision can equal, become OLD; one that a crash left ahead of the
  state keeps its distance, for the state may still reach it.
- Offsets of outcomes: only `at or below read` is asked. Read is always READ, what is unread stands above it.
- What never decides is dropped: causes, last, attempts, the loop guard's count (the guard is off here, or it would
  hide an endless emission).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
from msgspec.structs import replace as with_

from domain.delivery import Delivery, Written
from domain.policy import FoldPolicy
from schemas.changes import Change
from schemas.friends import FriendState, Read
from schemas.outcomes import Outcome, Reason

BASE = 50
OLD = 1
READ = 9
NOW = 1_000_000  # later than every rank
POLICY = FoldPolicy(loop_window_ms=0)

Mark = tuple[int, str]
NEVER: Mark = (-1, "")


class Truth(NamedTuple):
    """What the judge knows, who sees HubSpot itself.

    `applied`: the newest message or follow in any write that HubSpot took; `told`: in one whose outcome the owner of
    the partition knows, who has been `told` of any if `known`; `contact`: the last one written; `erased`: by a person,
    while no creation was under way; `twins`: an exception of DESIGN 4.3 has made, or will
    let others make, one contact beside another; `refused`: so was the last answer; `silent`: HubSpot took a write that
    was never told, or an answer was lost, so that only a sweep can know.
    """

    applied: Mark = NEVER
    told: Mark = NEVER
    known: bool = False
    contact: str = ""
    erased: bool = False
    twins: bool = False
    refused: bool = False
    silent: bool = False


@dataclass(kw_only=True)
class Lane:
    """One friend: the persisted state, the change topic from the commit on, two owners, the outcomes, a sweep."""

    friend: str
    state: FriendState | None = None
    folded: int = 0
    queue: list[Change] = field(default_factory=list)
    delivery: Delivery | None = None
    memory: Written | None = None
    published: Written | None = None
    generation: int = 1
    late: Delivery | None = None
    late_generation: int = 0
    telling: Outcome | None = None
    unread: list[Outcome] = field(default_factory=list)
    sight: Outcome | None = None
    truth: Truth = field(default_factory=Truth)

    def copy(self) -> "Lane":
        """A lane to work on."""
        other = object.__new__(Lane)
        other.__dict__ = {**self.__dict__, "queue": list(self.queue), "unread": list(self.unread)}
        return other

    @property
    def at_rest(self) -> bool:
        """Nothing is unread and nothing on its way; whether all events are folded the script knows."""
        return not (self.queue or self.unread or self.late or self.telling or self.sight)


def canonical(lane: Lane) -> bytes:
    """Rename within the lane, in place; returns what identifies it."""
    _rename_revisions(lane)
    _rename_generations(lane)
    _forget_times(lane)
    _rank_times(lane)
    return msgspec.msgpack.encode(
        [
            lane.friend, lane.state, lane.folded, lane.queue, _key(lane.delivery), lane.memory, lane.published,
            lane.generation, _key(lane.late), lane.late_generation, lane.telling, lane.unread, lane.sight, lane.truth,
        ]
    )  # fmt: skip


def _key(delivery: Delivery | None) -> object:
    """What identifies a delivery; of its times only whether there is one."""
    if delivery is None:
        return None
    return [
        delivery.change, delivery.step, delivery.target, delivery.asked, delivery.may_create, delivery.path,
        delivery.shadowed, delivery.checked, delivery.tries, delivery.remembered, delivery.confirmed_at is None,
    ]  # fmt: skip


def _rename_revisions(lane: Lane) -> None:
    state = lane.state
    now, sent = (0, None) if state is None else (state.revision, state.sent)
    base = 0 if state is None else BASE

    def rename(revision: int) -> int:
        if sent is not None and revision == sent.revision:
            return BASE
        return base + revision - now if revision > now else OLD

    def change(old: Change) -> Change:
        revision = rename(old.revision)
        if old.revision == revision and not old.causes:
            return old
        return with_(old, revision=revision, causes=(), more_causes=0, emitted_at=0)

    def outcome(old: Outcome) -> Outcome:
        if old.revision is None:
            return old
        new = rename(old.revision)
        return old if new == old.revision else with_(old, revision=new)

    lane.queue = [change(one) for one in lane.queue]
    lane.unread = [outcome(one) for one in lane.unread]
    lane.telling = None if lane.telling is None else outcome(lane.telling)
    lane.sight = None if lane.sight is None else outcome(lane.sight)
    lane.delivery = None if lane.delivery is None else _begun(lane.delivery, change(lane.delivery.change))
    lane.late = None if lane.late is None else _begun(lane.late, change(lane.late.change))
    if state is not None and (state.revision != BASE or state.last is not None):
        lane.state = _plain(state)


def _begun(delivery: Delivery, change: Change) -> Delivery:
    """A delivery that has begun: of its times only whether there is one is ever asked again."""
    if change.confirmed_at:
        change = with_(change, confirmed_at=0)
    known = None if delivery.confirmed_at is None else 0
    if change is delivery.change and known == delivery.confirmed_at and not (delivery.waits or delivery.alone):
        return delivery
    return replace(delivery, change=change, confirmed_at=known, waits=False, alone=False)


def _plain(state: FriendState) -> FriendState:
    """The state without what never decides."""
    sent, blocked, contact, read = state.sent, state.blocked, state.contact, state.read
    return with_(
        state,
        revision=BASE,
        sent=None if sent is None else with_(sent, revision=BASE, at=0),
        blocked=None if blocked is None else with_(blocked, at=0),
        contact=contact if contact is None or contact.nowhere_at is None else with_(contact, nowhere_at=1),
        writes=None,
        last=None,
        read=None if read is None or read.outcomes < 0 else Read(outcomes=READ),
        erased_at=None if state.erased_at is None else 1,
    )


def _rename_generations(lane: Lane) -> None:
    """Generations by rank: only who is older is ever asked."""
    state = lane.state
    seen = None if state is None or state.seen is None else state.seen.generation
    outcomes = [*lane.unread, *([lane.telling] if lane.telling else [])]
    used = {one.generation for one in outcomes if one.read_at is None} | {lane.generation}
    if lane.late is not None:
        used.add(lane.late_generation)
    if seen is not None:
        used.add(seen)
    rank = {generation: place + 1 for place, generation in enumerate(sorted(used))}
    if max(used) == len(used):
        return
    lane.unread = [one if one.read_at else with_(one, generation=rank[one.generation]) for one in lane.unread]
    if lane.telling is not None:
        lane.telling = with_(lane.telling, generation=rank[lane.telling.generation])
    lane.generation = rank[lane.generation]
    lane.late_generation = 0 if lane.late is None else rank[lane.late_generation]
    if state is not None and state.seen is not None and seen is not None:
        lane.state = with_(state, seen=with_(state.seen, generation=rank[seen]))


def _forget_times(lane: Lane) -> None:
    """Give times that nothing can be compared with any more the lowest rank."""
    state = lane.state
    sights = [one.read_at for one in (lane.sight, *lane.unread) if one is not None and one.read_at is not None]
    written = [one for one in (lane.memory, lane.published) if one is not None]
    latest = max((one.at for one in written), default=0)

    def useful(contact: str | None, at: int) -> int:
        if all(one.contact == contact for one in written):
            return 0
        return min(at, latest)

    if state is not None:
        if state.seen is not None and state.seen.at and not sights:
            state = with_(state, seen=with_(state.seen, at=0))
        if state.contact is not None and state.contact.at is not None:
            at = useful(state.contact.id, state.contact.at)
            if at != state.contact.at:
                state = with_(state, contact=with_(state.contact, at=at))
        lane.state = state
    lane.queue = [
        one if not one.confirmed_at else with_(one, confirmed_at=useful(one.contact, one.confirmed_at))
        for one in lane.queue
    ]


def _rank_times(lane: Lane) -> None:
    used: set[int] = {0}
    _each_time(lane, lambda at: used.add(at) or at)
    if max(used) == 10 * (len(used) - 1):
        return
    rank = {at: place * 10 for place, at in enumerate(sorted(used))}
    _each_time(lane, rank.__getitem__)


def _each_time(lane: Lane, visit: Callable[[int], int]) -> None:
    state = lane.state
    if state is not None:
        seen, contact = state.seen, state.contact
        if seen is not None and (at := visit(seen.at)) != seen.at:
            seen = with_(seen, at=at)
        if contact is not None and contact.at is not None and (at := visit(contact.at)) != contact.at:
            contact = with_(contact, at=at)
        if seen is not state.seen or contact is not state.contact:
            lane.state = with_(state, seen=seen, contact=contact)

    def outcome(old: Outcome) -> Outcome:
        read_at, at = None if old.read_at is None else visit(old.read_at), visit(old.at)
        return old if at == old.at and read_at == old.read_at else with_(old, at=at, read_at=read_at)

    lane.queue = [
        one if not one.confirmed_at else with_(one, confirmed_at=visit(one.confirmed_at)) for one in lane.queue
    ]
    lane.unread = [outcome(one) for one in lane.unread]
    lane.telling = None if lane.telling is None else outcome(lane.telling)
    lane.sight = None if lane.sight is None else outcome(lane.sight)
    for name in ("memory", "published"):
        one: Written | None = getattr(lane, name)
        if one is not None and (at := visit(one.at)) != one.at:
            setattr(lane, name, Written(contact=one.contact, at=at, trigger=one.trigger))


def short(outcome: Outcome) -> Outcome:
    """An outcome without what the fold does not ask for."""
    reason = None if outcome.reason is None or outcome.reason.code is None else Reason(code=outcome.reason.code)
    return with_(outcome, request=None, attempts=1, hubspot_at=None, reason=reason)
