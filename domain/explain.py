"""Why a contact is what it is, or why not: the ledger of one friend as sentences.

Law: decisions and outcomes are enough, a change adds its digest while it is kept; one sentence for each decision that
counts and for each outcome that no decision speaks about yet, in the order of the log. No content is ever quoted.
"""

from collections.abc import Callable, Iterable, Sequence

from domain.event_words import answer_words, article_of, seen_words, subject_of
from domain.outcomes import PARKED
from schemas.changes import Change
from schemas.cloud_events import rfc3339
from schemas.codec import Record
from schemas.decisions import Because, DecisionRecord
from schemas.outcomes import Outcome, outcome_id
from schemas.topics import EVENTS, OUTCOMES

Show = Callable[[int], str]

_LISTED = 4
_WOULD_CREATE = "A message or a new follow would create it again."
_BLOCKED = {
    "unstable": "Not written: too many writes within an hour without a new LINE event; something else keeps changing "
    "this contact. A new LINE event or `friends resync` ends the pause.",
    "nowhere": "Not re-created: the contact is neither alive nor in HubSpot's bin, so it may have been deleted for "
    "privacy. The sweep looks again after 24 hours.",
}
_NOTHING_FOLLOWED = {
    "same": "nothing to send, HubSpot holds this already.",
    "older": "nothing changed, as new or newer was known already.",
    "duplicate": "was folded before.",
    "shadowed": "nothing to send: its properties on this contact belong to another friend.",
    "erased": "nothing is kept, the friend is erased.",
    "no_friend": "is about a group or nobody, and touches no contact.",
    "settled": "nothing is left to do.",
}


class Sentence(Record, frozen=True, kw_only=True):
    """One thing that happened at `at` (ms), and the ids to follow it by; `offset` stands in `topic` and `partition`."""

    at: int
    text: str
    decision: str | None = None
    result: str | None = None
    connection: int | None = None
    event: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    revision: int | None = None
    digest: str | None = None
    trace: str | None = None


def time_of_day(ms: int) -> str:
    """Hours and minutes UTC."""
    return rfc3339(ms)[11:16]


def that_count(decisions: Iterable[DecisionRecord]) -> list[DecisionRecord]:
    """After a replay, the last decision about a record that is not `duplicate` counts."""
    found: dict[tuple[str, int, int], DecisionRecord] = {}
    for decision in decisions:
        place = (decision.cause.topic, decision.cause.partition, decision.cause.offset)
        if decision.decision != "duplicate" or place not in found:
            found[place] = decision
    return list(found.values())


def sentences(
    decisions: Iterable[DecisionRecord],
    outcomes: Iterable[Outcome],
    changes: Iterable[Change] = (),
    *,
    show: Show = time_of_day,
) -> list[Sentence]:
    """The ledger of one friend, each kind of record in the order of its log; `show` writes a time inside a sentence."""
    teller = _Teller(that_count(decisions), list(outcomes), changes, show)
    told = teller.tell()
    told.sort(key=lambda sentence: sentence.at)
    return told


class _Teller:
    """Goes through the decisions once and remembers what the later ones refer to."""

    def __init__(
        self, decisions: Sequence[DecisionRecord], outcomes: Sequence[Outcome], changes: Iterable[Change], show: Show
    ) -> None:
        self._decisions = decisions
        self._outcomes = {outcome_id(outcome): outcome for outcome in outcomes}
        self._answers = {outcome.revision: outcome for outcome in outcomes if outcome.read_at is None}
        self._digests = {change.revision: change.digest for change in changes}
        self._show = show
        self._gone_at: int | None = None
        self._since: list[str] = []

    def tell(self) -> list[Sentence]:
        told = [self._sentence(index, decision) for index, decision in enumerate(self._decisions)]
        folded = {decision.cause.id for decision in self._decisions if decision.cause.topic == OUTCOMES.name}
        for identity, outcome in self._outcomes.items():
            if identity not in folded:
                text = f"{_said_by_hubspot(outcome)}; not folded yet."
                told.append(_about_outcome(Sentence(at=outcome.at, text=text, event=identity), outcome))
        return told

    def _sentence(self, index: int, decision: DecisionRecord) -> Sentence:
        self._watch(decision)
        cause = decision.cause
        sentence = Sentence(
            at=decision.at,
            text=self._text(index, decision),
            decision=decision.decision,
            connection=decision.connection,
            event=cause.id,
            topic=cause.topic,
            partition=cause.partition,
            offset=cause.offset,
            revision=decision.revision,
        )
        own = self._outcomes.get(cause.id) if cause.topic == OUTCOMES.name else None
        sent = decision.revision if decision.decision in ("changed", "rewritten") else None
        outcome = own or self._answers.get(sent)
        if outcome is not None:
            return _about_outcome(sentence, outcome)
        digest = self._digests.get(sent) if sent is not None else None
        return _with(sentence, digest=digest, result=None, trace=None)

    def _watch(self, decision: DecisionRecord) -> None:
        """When the contact was first seen deleted, and what happened since."""
        because = decision.because or Because()
        if because.contact == "gone" and self._gone_at is None:
            self._gone_at = decision.at
        elif because.contact not in ("gone", "none"):
            self._gone_at, self._since = None, []
        if decision.decision == "not_permitted" and decision.cause.topic == EVENTS.name:
            self._since.append(f"{article_of(decision.cause.kind)} ({self._show(decision.at)})")

    def _text(self, index: int, decision: DecisionRecord) -> str:
        code = None if decision.because is None else decision.because.code
        what = self._subject(decision)
        match decision.decision:
            case "changed" | "rewritten":
                return f"{what}: {self._sent(decision)}"
            case "waiting":
                return f"{what}: {self._waited(index)}"
            case "not_permitted":
                return self._not_permitted(decision, what, code)
            case "blocked":
                return f"{what}. {_BLOCKED.get(code or '') or _refused(code)}"
            case other:
                return f"{what}: {_NOTHING_FOLLOWED[other]}"

    def _subject(self, decision: DecisionRecord) -> str:
        if decision.cause.topic == OUTCOMES.name:
            outcome = self._outcomes.get(decision.cause.id)
            return _said_by_hubspot(outcome) if outcome is not None else subject_of(decision.cause.kind, outcome=True)
        what = subject_of(decision.cause.kind, outcome=False, event=decision.cause.topic == EVENTS.name)
        return what if decision.connection is None else f"{what} on connection {decision.connection}"

    def _sent(self, decision: DecisionRecord) -> str:
        again = "written to HubSpot again" if decision.decision == "rewritten" else "sent to HubSpot"
        answer = self._answers.get(decision.revision)
        came = "not answered yet" if answer is None else f"HubSpot {answer_words(answer)}"
        return f"{again} as revision {decision.revision}; {came}."

    def _waited(self, index: int) -> str:
        for later in self._decisions[index + 1 :]:
            if later.decision in ("changed", "rewritten"):
                return f"waited for HubSpot's answer to the change before it, then went with revision {later.revision}."
        return "waits for HubSpot's answer to the change before it."

    def _not_permitted(self, decision: DecisionRecord, what: str, code: str | None) -> str:
        if code == "id_too_long":
            return f"{what}. No contact is possible: the LINE user id does not fit an email address (64 characters)."
        status = None if decision.because is None else decision.because.contact
        only = f"only {_listed(self._since)}" if self._since else "nothing"
        if status != "gone":
            return f"Not created: so far {only}. A message, a follow or another act of the friend would create it."
        if decision.cause.topic == OUTCOMES.name:
            return f"{what}. {_WOULD_CREATE}"
        seen = self._show(self._gone_at if self._gone_at is not None else decision.at)
        return f"Not re-created: deleted in HubSpot (seen {seen}); since then {only}. {_WOULD_CREATE}"


def _listed(acts: list[str]) -> str:
    if len(acts) <= _LISTED:
        return ", ".join(acts)
    return f"{', '.join(acts[: _LISTED - 1])}, {len(acts) - _LISTED} more, {acts[-1]}"


def _refused(code: str | None) -> str:
    parked, _, inner = (code or "").partition(":")
    said = f" ({inner or code})" if code else ""
    what = "could not take this content in five tries" if parked == PARKED else "refused this content before"
    return (
        f"Not written: HubSpot {what}{said}. New content, a newer message or follow, the sweep or `friends resync` "
        "tries again."
    )


def _said_by_hubspot(outcome: Outcome) -> str:
    return f"The sweep {seen_words(outcome)}" if outcome.read_at is not None else f"HubSpot {answer_words(outcome)}"


def _about_outcome(sentence: Sentence, outcome: Outcome) -> Sentence:
    trace = None if outcome.request is None else outcome.request.trace
    return _with(sentence, digest=outcome.digest, result=outcome.result, trace=trace)


def _with(sentence: Sentence, *, digest: str | None, result: str | None, trace: str | None) -> Sentence:
    return Sentence(
        at=sentence.at,
        text=sentence.text,
        decision=sentence.decision,
        result=result,
        connection=sentence.connection,
        event=sentence.event,
        topic=sentence.topic,
        partition=sentence.partition,
        offset=sentence.offset,
        revision=sentence.revision,
        digest=digest,
        trace=trace,
    )
