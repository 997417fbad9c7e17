"""What no step may do: an empty text, or what it broke.

Law: judged from the state before, the records read, and what came out; never from the code that is judged.
"""

from collections.abc import Callable, Sequence

from domain.delivery import Delivery, properties_to_write
from domain.order import is_newer
from domain.turn import Incoming, Turn
from schemas.changes import Change
from schemas.outcomes import Outcome
from tests.small_world.lane import Lane
from tests.small_world.portal import Portal


def second_open(lane: Lane, items: Sequence[Incoming], changes: Sequence[Change]) -> str:
    """One change may be open: another comes out only of a turn that closes the first."""
    sent = None if lane.state is None else lane.state.sent
    if sent is None or not changes:
        return ""
    closes: Callable[[Outcome], bool] = lambda one: (  # noqa: E731
        one.revision == sent.revision
        and (one.result == "unanswered" or (one.digest == sent.digest and one.trigger == sent.trigger))
    )
    if any(isinstance(item.record, Outcome) and closes(item.record) for item in items):
        return ""
    return "a second change is open"


def wrong_permission(lane: Lane, made: Turn) -> str:
    """The newest message or follow permits a creation, for it is what the content shows; and never one that a write
    is known to have carried.
    """
    wanted = made.changes[0].may_create if made.changes else None
    if wanted is None:
        return ""
    newest = None if made.state is None else made.state.trigger
    if newest is not None and wanted != newest:
        return "a change permits a creation for less than the newest message or follow"
    carried = None if lane.state is None else lane.state.trigger_delivered
    if carried is not None and not is_newer(wanted, carried):
        return "a change permits a creation for what had been carried"
    return ""


def sent_again(lane: Lane, items: Sequence[Incoming], made: Turn) -> str:
    """What HubSpot just refused goes out again only with something new."""
    sent = None if lane.state is None else lane.state.sent
    if not made.changes or sent is None:
        return ""
    change = made.changes[0]
    wanted = None if change.may_create is None else (change.may_create.at, change.may_create.id)
    for item in items:
        told = item.record
        if (
            isinstance(told, Outcome)
            and told.result in ("parked", "rejected")
            and told.digest == change.digest == sent.digest
        ):
            refused = None if told.trigger is None else (told.trigger.at, told.trigger.id)
            if refused == wanted:
                return "what was just refused is sent again"
    return ""


def stale(lane: Lane, items: Sequence[Incoming], made: Turn) -> str:
    """The newest trigger stays; a sight of before the last write, or while a change is open, does not move the link."""
    before, told = lane.state, items[0].record
    if before is None or made.state is None:
        return ""
    if made.state.erased_at is None and is_newer(before.trigger, made.state.trigger):
        return "the newest message or follow is forgotten"
    if not isinstance(told, Outcome) or told.read_at is None:
        return ""
    old = before.seen is not None and told.read_at <= before.seen.at
    if (old or before.sent is not None) and told.result != "unanswered" and made.state.contact != before.contact:
        return "a sight that is too old moves the link"
    return ""


def overwrites(portal: Portal, delivery: Delivery) -> str:
    """An update must not take a slot that names another friend."""
    row = portal.row(delivery.target)
    if delivery.step != "update" or row is None or row.status != "live":
        return ""
    before = row.properties
    for name, value in properties_to_write(delivery).items():
        if name.startswith("line_user_id_") and before.get(name, value) != value:
            return f"the {name} of another friend is written over"
    return ""
