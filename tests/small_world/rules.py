"""The rules of the protocol as they stand in the code, and what stands there without them.

Law: one rule a row, and the smallest world that misses it; `KEPT` says why the others cannot be missed here.
"""

from typing import NamedTuple

from tests.small_world.explorer import World
from tests.small_world.worlds import BLOCKING, MINE, MINE_2, YOURS, B, drifting, one, two
from tests.unit.domain.world import message


class Mutation(NamedTuple):
    """A rule, where it stands, what stands there without it, and the world that shall notice."""

    rule: str
    module: str
    old: str
    new: str
    world: World


_ONE = "follow, message, unfollow"
_SAME = "message, the same again"
_ACTS = one(_SAME, {"person": 2})
_SWEPT = one(_SAME, {"person": 1, "sweep": 1})
_ACTS_SWEPT = one(_SAME, {"person": 2, "sweep": 1})
_CRASH = one(_ONE, {"crash": 1, "person": 1, "again": 1})
_PAIRS = one(_ONE, {}, pairs=True)
_LATE = one(_ONE, {"late": 1, "person": 1})
_REFUSED = one(_SAME, {"refused": 1, "person": 1})
_POSTBACK = one("unfollow, postback, older message", {"person": 2})
_SHARED_2 = two("two friends merged", (MINE,), (YOURS, message(20, "w", friend=B)), person=1)
_SHARED = two("two friends merged", (MINE, MINE_2), (YOURS,), person=2)
_LOST = one(_SAME, {"late": 1, "sweep": 1, "person": 1})
_TWIN = one(_SAME, {"late": 1, "person": 2})
_SETTLE, _OUTCOMES, _TURN = "domain.settle", "domain.outcomes", "domain.turn"
_DELIVERY, _EVENTS, _SWEEP = "domain.delivery", "domain.events", "domain.sweep"

MUTATIONS = (
    # settle
    Mutation(
        "sent: wait", _SETTLE, "    if draft.sent is not None:\n        return _WAITING\n    undel", "    undel", _ACTS
    ),
    Mutation(
        "blocked: nothing",
        _SETTLE,
        "if draft.blocked is not None and _refused_before",
        "if False and _refused_before",
        _SWEPT,
    ),
    Mutation(
        "blocked: lifted by a newer trigger",
        _SETTLE,
        "digest == blocked.digest and not (undelivered and is_newer(draft.trigger, blocked.trigger))",
        "digest == blocked.digest",
        _REFUSED,
    ),
    Mutation("in place: nothing", _SETTLE, "if in_place and not draft.rewrite:", "if False:", _ACTS),
    Mutation("in place: not while T > Td", _SETTLE, "if shadowed or not undelivered:", "if True:", _ACTS),
    Mutation(
        "in place: not while a rewrite is asked for",
        _SETTLE,
        "if in_place and not draft.rewrite:",
        "if in_place:",
        _LATE,
    ),
    Mutation("gone: created for T > Td", _SETTLE, "draft.trigger if undelivered else None", "None", _ACTS),
    Mutation(
        "gone: only for T > Td", _SETTLE, "else draft.trigger if undelivered else None", "else draft.trigger", _ACTS
    ),
    Mutation("none: T before the first permission", _SETTLE, "(draft.trigger or draft.permit)", "draft.permit", _PAIRS),
    Mutation(
        "none: the first permission",
        _SETTLE,
        "(draft.trigger or draft.permit)",
        "draft.trigger",
        one("postback, unfollow", {"person": 1}),
    ),
    Mutation(
        "no contact, nothing permits one: nothing",
        _SETTLE,
        'if status != "live" and (may_create is None or',
        'if status != "live" and (False or',
        _ACTS,
    ),
    Mutation(
        "an emitted change ends the rewrite",
        _SETTLE,
        "at=now)\n    draft.rewrite = False",
        "at=now)",
        one("message, resync", {"person": 1}),
    ),
    Mutation(
        "nothing to write to ends the rewrite",
        _SETTLE,
        "        draft.rewrite = False  #",
        "        pass  #",
        one("message, resync", {"person": 1, "sweep": 1}),
    ),
    # answers
    Mutation(
        "an answer has the revision",
        _OUTCOMES,
        "and outcome.revision == sent.revision\n        and outcome.digest",
        "and outcome.digest",
        one("follow, unfollow, import, unfollow", {"late": 1, "refused": 1}),
    ),
    Mutation(
        "an answer has the digest",
        _OUTCOMES,
        "        and outcome.digest == sent.digest\n",
        "",
        one("message, unfollow, message, unsend", {"crash": 2, "person": 1}),
    ),
    Mutation(
        "an answer has the trigger",
        _OUTCOMES,
        "        and outcome.trigger == sent.trigger\n",
        "",
        one("the same three times", {"crash": 1, "refused": 1}, pairs=True),
    ),
    Mutation(
        "an answer closes the change",
        _OUTCOMES,
        "    draft.sent = None\n    trigger = _deliv",
        "    trigger = _deliv",
        _ACTS,
    ),
    Mutation(
        "a write links what HubSpot names",
        _OUTCOMES,
        "contact = outcome.contact or outcome.asked or draft.contact.id",
        "contact = draft.contact.id or outcome.contact",
        _ACTS,
    ),
    Mutation(
        "a write is seen",
        _OUTCOMES,
        "draft.seen = Seen(digest=sent.digest, contact=contact,",
        "draft.seen = Seen(",
        _ACTS,
    ),
    Mutation(
        "a write ends a block",
        _OUTCOMES,
        "        draft.blocked = None\n        if not",
        "        if not",
        one("follow, unfollow, import", {"refused": 1}),
    ),
    Mutation(
        "a write delivers its trigger",
        _OUTCOMES,
        "            draft.delivered = trigger\n        return",
        "            pass\n        return",
        _ACTS,
    ),
    Mutation(
        "delivered never moves back",
        _OUTCOMES,
        "if not outcome.shadowed and is_newer(trigger, draft.delivered):\n"
        "            draft.delivered = trigger\n        return",
        "if not outcome.shadowed:\n            draft.delivered = trigger\n        return",
        _CRASH,
    ),
    Mutation(
        "delivered: only a message or follow",
        _OUTCOMES,
        "permit.at != mark.at or permit.kind in TRIGGERS",
        "True",
        _POSTBACK,
    ),
    Mutation(
        "delivered: not what was shadowed",
        _OUTCOMES,
        "if not outcome.shadowed and is_newer(trigger",
        "if is_newer(trigger",
        _SHARED,
    ),
    Mutation(
        "shadowed is taken from every outcome",
        _OUTCOMES,
        "    if outcome.shadowed:\n        _shadow(draft, outcome.shadowed, also=True)\n",
        "",
        _SHARED_2,
    ),
    Mutation(
        "gone: unlinked",
        _OUTCOMES,
        "        _let_go(draft, outcome)\n        draft.blocked",
        "        draft.blocked",
        one(_ONE, {"person": 1}),
    ),
    Mutation(
        "gone, nowhere: blocked", _OUTCOMES, "if code == NOWHERE and sent.trigger is not None:", "if False:", _ACTS
    ),
    Mutation(
        "gone, permitted: was carried before",
        _OUTCOMES,
        "elif code == ARCHIVED and is_newer(trigger, draft.delivered):",
        "elif False:",
        one(_SAME, {"crash": 1, "person": 1}),
    ),
    Mutation(
        "gone ends a block",
        _OUTCOMES,
        "        draft.blocked = None  #",
        "        pass  #",
        one(_ONE, {"refused": 1, "late": 1, "person": 1}),
    ),
    Mutation(
        "erased: the row is erased",
        _OUTCOMES,
        "        draft.erase(outcome.at)\n        return\n    old",
        "        return\n    old",
        one(_SAME, {"late": 1, "person": 1}, BLOCKING),
    ),
    Mutation(
        "refused: blocked",
        _OUTCOMES,
        "draft.blocked = Blocked(digest=sent.digest, trigger=trigger, code=blocking_code(outcome), at=outcome.at)"
        "\n\n\ndef",
        "pass\n\n\ndef",
        _REFUSED,
    ),
    # answers to nothing
    Mutation(
        "stray: relinks", _OUTCOMES, "        _relink(draft, outcome.contact, outcome.at)\n", "        pass\n", _LATE
    ),
    Mutation(
        "stray: what a crash forgot asks for a rewrite",
        _OUTCOMES,
        "return draft.sent is None and outcome.result in WROTE and outcome.digest != last",
        "return False",
        one("follow, unfollow, import", {"crash": 1}),
    ),
    Mutation("an outcome is folded once", _TURN, "if item.offset > read.outcomes:", "if True:", _CRASH),
    # sights
    Mutation(
        "sight: not while a change is open",
        _OUTCOMES,
        "if draft.sent is not None or outcome.result",
        "if outcome.result",
        _ACTS_SWEPT,
    ),
    Mutation("sight: not from before the last write", _OUTCOMES, " or read_at <= last_write:", ":", _ACTS_SWEPT),
    Mutation(
        "sight: lifts a block",
        _OUTCOMES,
        "        return\n    draft.blocked = None\n    match",
        "        return\n    match",
        _REFUSED,
    ),
    Mutation(
        "sight erased",
        _OUTCOMES,
        '        case "erased":\n            draft.erase(outcome.at)',
        '        case "erased":\n            pass',
        _ACTS,
    ),
    Mutation(
        "sight archived",
        _OUTCOMES,
        "            if draft.contact.id is not None:\n                _let_go(draft, outcome)",
        "            pass",
        _ACTS,
    ),
    Mutation(
        "sight merged",
        _OUTCOMES,
        '        case "merged":\n            draft.rewrite = True',
        '        case "merged":\n            pass',
        _SHARED,
    ),
    Mutation(
        "sight twin",
        _OUTCOMES,
        "                _relink(draft, outcome.contact, read_at)",
        "                pass",
        _TWIN,
    ),
    Mutation(
        "sight restored or drifted: rewrite",
        _OUTCOMES,
        '    if outcome.result != "alive":',
        "    if False:",
        drifting(_SAME, {"person": 1}),
    ),
    Mutation(
        "sight restored: linked again",
        _OUTCOMES,
        'draft.contact = Contact(id=contact, status="live", at=confirmed)',
        "pass",
        one(_ONE, {"person": 2}),
    ),
    Mutation("sight unanswered: given up", _OUTCOMES, "    if _gives_up(draft.sent, outcome):", "    if False:", _LOST),
    # events
    Mutation(
        "only a message or follow is a trigger",
        _EVENTS,
        "    if kind in TRIGGERS:\n        newest",
        "    if True:\n        newest",
        one("follow, unfollow, import", {"person": 1}),
    ),
    Mutation(
        "the trigger never moves back",
        _EVENTS,
        "if newest is None or at > newest.at or (at == newest.at and event_id > newest.id):",
        "if True:",
        one("message, unsend, older message", {"person": 1, "again": 1}),
    ),
    # the sink
    Mutation(
        "a remembered write gives the id",
        _DELIVERY,
        "        if asked is None:\n            asked, confirmed = written",
        "        if False:\n            asked, confirmed = written",
        one("postback, message", {"crash": 1, "person": 1}, pairs=True),
    ),
    Mutation(
        "a remembered contact is written before another is made",
        _DELIVERY,
        "    if delivery.may_create and delivery.remembered is not None:",
        "    if False:",
        one("three messages", {"person": 2, "crash": 1}),
    ),
    Mutation(
        "a remembered write uses up its trigger",
        _DELIVERY,
        "may_create = change.may_create is not None and _is_unused(change.may_create, written.trigger)",
        "pass",
        _CRASH,
    ),
    Mutation(
        "after a write only a message or follow creates",
        _DELIVERY,
        "return newer and permission.kind in TRIGGERS",
        "return newer",
        one("postback, message", {"crash": 1, "person": 1}),
    ),
    Mutation(
        "a first act is not remembered as a message", "sinks.hubspot.memory", " or outcome.first_act", "", _POSTBACK
    ),
    Mutation(
        "archived: created only where permitted",
        _DELIVERY,
        "    if delivery.may_create:\n",
        "    if True:\n",
        one(_ONE, {"person": 1}),
    ),
    Mutation(
        "nowhere: never created",
        _DELIVERY,
        "if answer.found is None and _surely_not_in_bin(delivery, now):",
        "if False:",
        _ACTS,
    ),
    Mutation("another friend's slot is left alone", _DELIVERY, "shadowed=shadowed,", "shadowed=(),", _SHARED),
)


KEPT = {
    "sight: only of the linked contact": "the sweep reads a row and looks in one step here; a row read long before the "
    "look names an older link",
    "stray: a late owner asks for a rewrite": "an owner's call and its publication are one step here; between them "
    "a late write could land, and be told before the answer of the open change",
    "an erased friend stays erased": "two guards, in folding an event and in settling: each holds without the other",
    "the loop guard": "is off here: a world that emits for ever is broken even if the guard would end it",
    "profiles, other results, ids of more than 64 characters": "move registers only; tests/unit and tests/property",
}
