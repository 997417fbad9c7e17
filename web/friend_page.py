"""The page of one friend: what is known, what HubSpot has, and why.

Law: pure; a state, a ledger and words in, HTML out.
"""

from __future__ import annotations

from domain.dead_letters import letter_sentences
from domain.explain import sentences
from schemas.cloud_events import rfc3339
from schemas.friends import ConnectionState, FriendState
from schemas.marks import Mark, Trigger
from web.language import Texts
from web.markup import Markup, facts, joined, moment, render, table, text_of
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
    told = sentences(ledger.decisions, ledger.outcomes, show=rfc3339) + letter_sentences(ledger.letters, show=rfc3339)
    if not told:
        return facts([("", texts["ledger_empty"])])
    told.sort(key=lambda one: one.at)
    rows = [(moment(one.at), one.text, one.trace or one.event) for one in reversed(told)]
    note = [] if ledger.complete else [facts([("", texts["ledger_part"])])]
    return joined([table([texts[name] for name in ("time", "what", "trace")], rows), *note])
