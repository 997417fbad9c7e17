"""The page of one friend: what is known, what HubSpot has, and why.

Law: pure; a state, a ledger and words in, HTML out.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.cloud_events import rfc3339
from schemas.decisions import DecisionRecord
from schemas.friends import ConnectionState, FriendState
from schemas.marks import Mark, Trigger
from schemas.outcomes import Outcome
from web.language import Texts
from web.markup import Markup, facts, joined, render, table, text_of
from web.protocols import Ledger


def friend_page(state: FriendState, ledger: Ledger | None, texts: Texts) -> Markup:
    """The whole page; `ledger` None = it could not be read in time."""
    content = render(
        "friend",
        heading=texts["friend"],
        friend=state.friend,
        contact=_contact(state, texts),
        connections_title=texts["connections"],
        connections=joined(_connection(n, known, texts) for n, known in state.connections.items()) or texts["none"],
        ledger_title=texts["ledger"],
        ledger=_ledger(ledger, texts),
    )
    return render("page", title=f"{texts['friend']} · friendstream", content=content)


def time_of(ms: int | None) -> str | None:
    """A time as people and programs read it, None for none."""
    return None if ms is None else rfc3339(ms)


def _contact(state: FriendState, texts: Texts) -> Markup:
    if state.erased_at is not None:
        return facts([(texts["erased"], time_of(state.erased_at)), ("", texts["erased_lead"])])
    contact, sent, blocked = state.contact, state.sent, state.blocked
    return facts(
        [
            (texts["contact_status"], contact.status if contact else texts["none"]),
            (texts["contact_id"], contact.id if contact else None),
            (texts["contact_at"], time_of(contact.at) if contact else None),
            (texts["newest_trigger"], _mark(state.trigger)),
            (texts["delivered_trigger"], _mark(state.trigger_delivered)),
            (texts["open_change"], f"{sent.revision} · {sent.digest} · {time_of(sent.at)}" if sent else texts["none"]),
            (texts["blocked"], f"{blocked.code} · {time_of(blocked.at)}" if blocked else None),
            (texts["revision"], state.revision),
        ]
    )


def _mark(mark: Mark | Trigger | None) -> str | None:
    if mark is None:
        return None
    kind = f"{mark.kind} · " if isinstance(mark, Trigger) else ""
    return f"{kind}{time_of(mark.at)} · {mark.id}"


def _connection(number: str, known: ConnectionState, texts: Texts) -> Markup:
    follow, inbound, profile = known.follow, known.inbound, known.profile
    message = None
    if inbound is not None:
        message = texts["retracted"] if inbound.retracted else (inbound.text or f"[{inbound.kind}]")
    heading = Markup(f"<h3>{text_of(texts['connection'])} {text_of(number)}</h3>")
    registers = facts(
        [
            (texts["name"], profile.name if profile else None),
            (texts["follows"], None if follow is None else texts["yes" if follow.value else "no"]),
            (texts["last_message"], message),
            (texts["last_message_at"], time_of(inbound.at) if inbound else None),
            (texts["answered_at"], time_of(known.outbound_at)),
            (texts["linked_at"], time_of(known.linked_at)),
        ]
    )
    return joined([heading, registers])


def _ledger(ledger: Ledger | None, texts: Texts) -> Markup:
    if ledger is None:
        return facts([("", texts["ledger_away"])])
    rows = sorted([*map(_decided, ledger.decisions), *map(_answered, ledger.outcomes)], reverse=True)
    if not rows:
        return facts([("", texts["ledger_empty"])])
    heads = [texts[name] for name in ("time", "what", "followed", "because", "trace")]
    note = [] if ledger.complete else [facts([("", texts["ledger_part"])])]
    return joined([table(heads, rows), *note])


def _decided(decision: DecisionRecord) -> tuple[str, str, str, str, str]:
    cause = decision.cause
    return (rfc3339(decision.at), cause.kind, decision.decision, " · ".join(_reasons(decision)), cause.id)


def _reasons(decision: DecisionRecord) -> Iterator[str]:
    why = decision.because
    if why is None:
        return
    if why.contact:
        yield f"contact {why.contact}" + (f" since {rfc3339(why.since)}" if why.since else "")
    for name, value in (("trigger", why.trigger), ("delivered", why.delivered), ("code", why.code)):
        if value:
            yield f"{name} {value}"


def _answered(outcome: Outcome) -> tuple[str, str, str, str, str]:
    request, reason = outcome.request, outcome.reason
    why = [part for part in (reason.category, reason.code, reason.property) if part] if reason else []
    call = f"HubSpot {request.call} {request.status}" if request else "HubSpot"
    what = f"{outcome.result} {outcome.contact or ''}".strip()
    return (rfc3339(outcome.at), call, what, " · ".join(why), request.trace if request else "")
