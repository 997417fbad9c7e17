"""One friend, one log, one HubSpot, all in memory: the real turn, and a HubSpot that answers as DESIGN 4.4 says."""

from dataclasses import dataclass, field, replace
from typing import Any

from domain.policy import FoldPolicy
from domain.projection import email_of, properties_of
from domain.turn import Incoming, Turn, turn
from schemas import topics
from schemas.changes import Change
from schemas.decisions import DecisionRecord
from schemas.events import EventRecord
from schemas.friends import FriendState
from schemas.marks import Mark
from schemas.outcomes import Outcome, Reason
from schemas.requests import Request
from schemas.results import MessageResult, ProfileResult, Result

U = "U" + "8e" * 16
T0 = 1_732_250_000_000
RECEIVED = T0 + 1_000_000
POLICY = FoldPolicy()


def event(
    kind: str,
    at: int,
    *,
    connection: int = 1,
    friend: str = U,
    event_id: str | None = None,
    origin: Any = "webhook",
    received_at: int = RECEIVED,
    **fields: Any,
) -> EventRecord:
    """One event at T0 + `at` ms; its id follows from its kind, time and connection."""
    body = {"type": kind, "timestamp": T0 + at, "source": {"type": "user", "userId": friend}, **fields}
    if origin in ("webhook", "spool"):
        body["webhookEventId"] = event_id or f"01J{connection:02d}{kind[:8].upper():Z<8}{at:013d}"
    return EventRecord(connection=connection, received_at=received_at, origin=origin, event=body)


def message(at: int, text: str = "hello", *, message_id: str | None = None, **fields: Any) -> EventRecord:
    """A text message."""
    return event("message", at, message={"id": message_id or f"m{at}", "type": "text", "text": text}, **fields)


def unsend(at: int, message_id: str, **fields: Any) -> EventRecord:
    """The unsending of a message."""
    return event("unsend", at, unsend={"messageId": message_id}, **fields)


def imported(at: int, **fields: Any) -> EventRecord:
    """One friend of an import page."""
    return event("imported", at, origin="import", **fields)


def order(kind: str, at: int, **fields: Any) -> EventRecord:
    """An operator's order."""
    return event(kind, at, origin="operator", **fields)


def profile(at: int, name: str | None = "Mei", picture: str | None = None, **fields: Any) -> Result:
    """A profile that LINE gave, or did not find where there is no name."""
    given = ProfileResult(found=name is not None, name=name, picture=picture)
    asked = fields.pop("requested_at", T0)
    return Result(
        request=f"r{at}", kind="profile", friend=U, connection=1, requested_at=asked, at=T0 + at, profile=given
    )


def reply(at: int, result: Any = "sent", *, clears: bool | None = True, answers: int | None = None) -> Result:
    """What became of a message of ours."""
    sent = MessageResult(result=result, clears_unanswered=clears, answers_at=None if answers is None else T0 + answers)
    return Result(request=f"s{at}", kind="message", friend=U, connection=1, at=T0 + at, message=sent)


def answer_to(change: Change, result: Any, *, at: int = 2_000_000, generation: int = 1, **fields: Any) -> Outcome:
    """The outcome of a change; it echoes what the change is known by."""
    wanted = change.may_create
    echo = {
        "revision": change.revision,
        "digest": change.digest,
        "trigger": None if wanted is None else Mark(id=wanted.id, at=wanted.at),
        "contact": change.contact,
        "asked": change.contact,
    }
    return Outcome(
        friend=change.friend, result=result, at=T0 + at, generation=generation, attempts=1, **(echo | fields)
    )


def sight(result: Any, contact: str | None, *, at: int = 3_000_000, **fields: Any) -> Outcome:
    """What a sweep saw; `at` is also when it looked."""
    given = {"contact": contact, "asked": contact, "read_at": T0 + at}
    return Outcome(friend=U, result=result, at=T0 + at, generation=1, attempts=1, **(given | fields))


def coded(code: str) -> Reason:
    """A reason."""
    return Reason(code=code)


@dataclass
class Friend:
    """A state with the log it folds; everything that ever came out is kept."""

    id: str = U
    state: FriendState | None = None
    policy: FoldPolicy = POLICY
    now: int = RECEIVED
    offsets: dict[str, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    decisions: list[DecisionRecord] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)

    def incoming(self, record: EventRecord | Result | Outcome) -> Incoming:
        """The record at the next offset of its topic."""
        topic = (
            topics.EVENTS if isinstance(record, EventRecord)
            else topics.OUTCOMES if isinstance(record, Outcome)
            else topics.RESULTS
        ).name  # fmt: skip
        offset = self.offsets[topic] = self.offsets.get(topic, -1) + 1
        return Incoming(topic, 3, offset, record)

    def take(self, *records: EventRecord | Result | Outcome) -> Turn:
        """Fold these in one turn."""
        return self.fold([self.incoming(record) for record in records])

    def fold(self, items: list[Incoming]) -> Turn:
        """Fold records that have their place already."""
        self.now += 1
        made = turn(self.id, self.state, items, now=self.now, policy=self.policy)
        self.state = made.state or self.state
        self.changes += made.changes
        self.requests += made.requests
        self.decisions += made.decisions
        self.dead += [reason for _, reason in made.dead]
        return made

    def answer(self, result: Any, **fields: Any) -> Turn:
        """HubSpot answers the newest change."""
        return self.take(answer_to(self.changes[-1], result, **fields))

    def linked(self, *records: EventRecord, contact: str = "901") -> "Friend":
        """Fold these (a message, if none) and let HubSpot create the contact."""
        self.take(*(records or (message(1),)))
        self.answer("created", contact=contact, asked=None)
        return self

    def gone(self, *records: EventRecord) -> "Friend":
        """Linked, delivered, and then found deleted by a sweep."""
        self.linked(*records)
        self.take(sight("archived", "901", hubspot_at=T0 + 2_500_000))
        return self

    @property
    def row(self) -> FriendState:
        """The state, which is there."""
        assert self.state is not None
        return self.state

    @property
    def shown(self) -> dict[str, str]:
        """The projection."""
        return properties_of(self.id, self.row.connections)

    @property
    def decision(self) -> str:
        """The last decision."""
        return self.decisions[-1].decision


@dataclass(frozen=True)
class ContactRow:
    """A contact in HubSpot."""

    email: str
    properties: dict[str, str]
    archived: bool = False


@dataclass
class HubSpot:
    """The portal, and what people do in it. Ids grow; a merge leaves a pointer, an erasure nothing."""

    contacts: dict[str, ContactRow] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    blocklist: set[str] = field(default_factory=set)
    created: int = 0

    def write(self, change: Change, *, at: int) -> Outcome:
        """What the sink's rules make of a change."""
        asked = change.contact
        survivor = self.merged.get(asked or "")
        if survivor is not None:
            return self._update(change, survivor, "merged", at)
        row = self.contacts.get(asked or "")
        if asked is None or (row is not None and row.archived and change.may_create is not None):
            return self._create(change, at)
        if row is None:
            return answer_to(change, "gone", at=at, contact=None, reason=coded("nowhere"))
        if row.archived:
            return answer_to(change, "gone", at=at, contact=None, reason=coded("archived"))
        return self._update(change, asked, "updated", at)

    def _create(self, change: Change, at: int) -> Outcome:
        if change.email in self.blocklist:
            return answer_to(change, "erased", at=at, contact=None)
        for contact, row in self.contacts.items():
            if row.email == change.email and not row.archived:
                return self._update(change, contact, "adopted", at)
        self.created += 1
        contact = str(9000 + self.created)
        self.contacts[contact] = ContactRow(change.email, dict(change.properties))
        return answer_to(change, "created", at=at, contact=contact)

    def _update(self, change: Change, contact: str, result: str, at: int) -> Outcome:
        row = self.contacts[contact]
        self.contacts[contact] = replace(row, properties=row.properties | change.properties)
        return answer_to(change, result, at=at, contact=contact)

    def delete(self, contact: str) -> None:
        """A person moves it to the bin."""
        self.contacts[contact] = replace(self.contacts[contact], archived=True)

    def restore(self, contact: str) -> None:
        """An admin takes it out of the bin."""
        self.contacts[contact] = replace(self.contacts[contact], archived=False)

    def merge(self, away: str, survivor: str) -> None:
        """A person merges two contacts."""
        del self.contacts[away]
        self.merged[away] = survivor

    def erase(self, contact: str) -> None:
        """A person deletes for privacy."""
        self.blocklist.add(self.contacts.pop(contact).email)

    def edit_email(self, contact: str, email: str) -> None:
        """A person edits the address."""
        self.contacts[contact] = replace(self.contacts[contact], email=email)

    @property
    def live(self) -> dict[str, ContactRow]:
        """What is not in the bin."""
        return {contact: row for contact, row in self.contacts.items() if not row.archived}


@dataclass
class Story:
    """A friend and a portal: `happens` folds events and lets the sink catch up, unless it is down."""

    friend: Friend = field(default_factory=Friend)
    hubspot: HubSpot = field(default_factory=HubSpot)
    clock: int = 2_000_000

    def happens(self, *records: EventRecord | Result | Outcome, sink: bool = True) -> "Story":
        """Each record in a turn of its own."""
        for record in records:
            self.friend.take(record)
            if sink:
                self.catch_up()
        return self

    def catch_up(self) -> None:
        """The sink answers what is open until nothing is."""
        for _ in range(20):
            if self.friend.state is None or self.friend.row.sent is None:
                return
            self.clock += 1000
            self.friend.take(self.hubspot.write(self.friend.changes[-1], at=self.clock))
        raise AssertionError("the friend never comes to rest")

    def sweep(self) -> "Story":
        """Look at the linked contact and tell."""
        self.clock += 1000
        contact = self.friend.row.contact.id if self.friend.row.contact else None
        row = self.hubspot.contacts.get(contact or "")
        gone = self.friend.row.contact is not None and self.friend.row.contact.status == "gone"
        if contact in self.hubspot.merged:
            seen = sight("merged", self.hubspot.merged[contact], asked=contact, at=self.clock)
        elif row is None:
            seen = sight("erased", contact, at=self.clock)
        elif row.archived:
            seen = sight("archived", contact, at=self.clock)
        else:
            seen = sight("restored" if gone else "alive", contact, at=self.clock)
        return self.happens(seen)

    @property
    def contact(self) -> dict[str, str]:
        """The one live contact's properties."""
        (row,) = self.hubspot.live.values()
        return row.properties


def email() -> str:
    """The friend's dummy address."""
    return email_of(U)
