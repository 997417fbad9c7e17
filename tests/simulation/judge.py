"""Who watches what is written: to HubSpot, to the topics, to the rows. Breaks of a law end the life at once.

Law: judged by what happened, never by what our code believes. An exception that DESIGN 4.3 names is excused by its
name and counted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas import topics
from tests.simulation.expected import PERMITS, TRIGGERS, Known
from tests.simulation.hubspot import HubSpotWorld
from tests.simulation.kafka import Record
from tests.simulation.virtual_time import Process

Mark = tuple[int, str]
BIN_SECONDS_TRUSTED = 80 * 86_400.0  # later an erasure cannot be told from an empty bin (DESIGN 4.4)
NEVER: Mark = (-1, "")
_WROTE = ("created", "updated", "adopted", "merged")
_NOTHING_DONE = ("429", "401", "403", "400", "500", "502", "503", "423", "477", "timeout", "drop")


class Broken(AssertionError):
    """A law does not hold."""


@dataclass
class Book:
    """What is true of one friend's contacts."""

    friend: str
    known: Known = field(default_factory=Known)
    contacts: list[str] = field(default_factory=list)  # every record that ever carried the friend by our hand
    linked: str | None = None  # the one of the newest published write
    delivered: Mark = NEVER  # the newest trigger of a published write that was not shadowed
    delivered_before_removal: Mark = NEVER
    unanswered: bool = False  # HubSpot wrote something whose outcome nobody knows yet
    removed_unanswered: bool = False
    looked_at: float = -1.0
    privacy_erased_at: float = -1.0
    address_moved: bool = False
    erased_row: bool = False
    rejected: bool = False
    restored: bool = False
    edited: bool = False
    twins: int = 0


class Judge:
    """Watches one world."""

    def __init__(self, hubspot: HubSpotWorld, friends: list[str], is_owner: Callable[[Process | None, str], bool],
                 tell: Callable[[str], None], *, comes_back: bool) -> None:  # fmt: skip
        self.hubspot, self.tell, self.is_owner, self.comes_back = hubspot, tell, is_owner, comes_back
        self.books = {friend: Book(friend) for friend in friends}
        self.excused: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.changes: dict[str, list[dict[str, Any]]] = {}
        self.broken: list[str] = []
        self.dead = 0
        self.whose_instead: Callable[[Process, str], str | None] = lambda _process, _friend: None
        self._asked: dict[str, str] = {}
        self._carried_out: set[str] = set()  # changes that HubSpot may have written
        self._by_email = {f"{friend}@line.me".lower(): friend for friend in friends}

    def break_law(self, sentence: str) -> None:
        self.tell(f"BROKEN: {sentence}")
        self.broken.append(sentence)

    # -- the topics

    def written(self, record: Record, writer: str) -> None:
        """A record is in the log."""
        watch = _WATCHED.get(record.topic)
        if watch is not None and record.value is not None:
            watch(self, orjson.loads(record.value), record, writer)
        elif record.topic == topics.DEAD_LETTERS.name:
            self.dead += 1

    def _event(self, value: dict[str, Any], record: Record, _writer: str) -> None:
        friend = value["event"]["source"].get("userId")
        if friend in self.books:
            self.books[friend].known.events.append((value["connection"], value["event"]))

    def _result(self, value: dict[str, Any], record: Record, _writer: str) -> None:
        self.books[value["friend"]].known.results.append(value)

    def _change(self, value: dict[str, Any], record: Record, writer: str) -> None:
        friend = value["friend"]
        self.changes.setdefault(_trace(value), []).append(value)
        to = value.get("contact")
        permission = value.get("may_create")
        where = f"contact {to}" if to else "no contact"
        self.tell(
            f"{writer} asks for revision {value['revision']} of {friend[:4]} ({where}, {_shown(permission)}),"
            f" offset {record.offset}"
        )
        if self.books[friend].erased_row and not self.comes_back and value["properties"]:
            self.break_law(f"{friend[:4]} is erased, and a change with content is asked for")

    def _outcome(self, value: dict[str, Any], record: Record, writer: str) -> None:
        friend, result = value["friend"], value["result"]
        book = self.books[friend]
        self.met[f"{'sight' if 'read_at' in value else 'outcome'}: {result}"] += 1
        self.met["outcome: shadowed"] += bool(value.get("shadowed"))
        self.tell(f"{writer} says {result} of {friend[:4]} revision {value.get('revision')}"
                  f" contact {value.get('contact')} {value.get('reason', '')}, offset {record.offset}")  # fmt: skip
        if "read_at" in value:
            return
        if result == "rejected":
            book.rejected = True
        if result not in _WROTE:
            return
        wanted = any(body["properties"] for body in self._bodies(value)) and not value.get("shadowed")
        if wanted and _trace(value) not in self._carried_out:
            self.break_law(f"{result} is said of revision {value['revision']} of {friend[:4]}, and nothing was written")
        book.unanswered = book.removed_unanswered = False
        if value.get("contact"):
            book.linked = value["contact"]
            if value["contact"] not in book.contacts:
                book.contacts.append(value["contact"])
        kinds = [(change.get("may_create") or {}).get("kind") for change in self._bodies(value)]
        if value.get("trigger") and not value.get("shadowed") and all(kind in TRIGGERS for kind in kinds):
            book.delivered = max(book.delivered, (value["trigger"]["at"], value["trigger"]["id"]))

    def committed(self, changes: Sequence[Record], outcomes: Sequence[Record]) -> None:
        """The sinks' group says that it is done with these changes."""
        told = {_trace(orjson.loads(record.value or b"{}")) for record in outcomes} if changes else set()
        for record in changes:
            change = orjson.loads(record.value or b"{}")
            if change and _trace(change) not in told:
                self.break_law(
                    f"offset {record.offset} is committed, and nobody has said what came of revision"
                    f" {change['revision']} of {change['friend'][:4]}"
                )

    def _bodies(self, outcome: dict[str, Any]) -> list[dict[str, Any]]:
        return self.changes.get(_trace(outcome), [])

    def _decision(self, value: dict[str, Any], record: Record, _writer: str) -> None:
        self.met[f"decision: {value['decision']}"] += 1

    # -- the rows

    def row_applied(self, key: bytes, old: bytes | None, new: bytes, _partition: int) -> None:
        """The fold's owner has a new row."""
        before, after = orjson.loads(old or b"{}"), orjson.loads(new)
        book = self.books[key.decode()]
        book.erased_row = set(after) == {"friend", "revision", "erased_at"}
        open_before, open_after = before.get("sent"), after.get("sent")
        answered = _outcomes_read(after) > _outcomes_read(before)
        if open_before and open_after and open_before != open_after and not answered:
            self.break_law(f"a second change of {key.decode()[:4]} is open while the first is not answered")
        if after["revision"] < before.get("revision", 0):
            self.break_law(f"the row of {key.decode()[:4]} went back")

    # -- HubSpot

    def before_call(self, body: bytes, process: Process | None, name: str) -> None:
        """A request arrives: remember who it is about."""
        if name not in ("batch/create", "batch/update", "batch/read", "late") or not body:
            return
        given = orjson.loads(body)
        for one in given.get("inputs", []):
            if process is not None and name in ("batch/create", "batch/update"):
                self._note_writer(process, one.get("objectWriteTraceId", ""))
            email = one.get("properties", {}).get("email")
            if email:
                self._asked[email] = one.get("objectWriteTraceId") or self._asked.get(email, "")
            elif name == "batch/read":
                self._note_look(str(one.get("id")))

    def _note_writer(self, process: Process, trace: str) -> None:
        for change in self.changes.get(trace, [])[:1]:
            owner = self.whose_instead(process, change["friend"])
            if owner is not None:
                self.break_law(f"{process.name} writes for {change['friend'][:4]}, whose partition is {owner}'s")

    def _note_look(self, contact: str) -> None:
        for book in self.books.values():
            if contact in book.contacts:
                book.looked_at = self.hubspot.loop.time()

    def after_call(self, body: bytes, process: Process | None, fault: str) -> None:
        """A request is done: judge what it did."""
        if fault not in _NOTHING_DONE and b"objectWriteTraceId" in body:
            self._carried_out |= {one.get("objectWriteTraceId", "") for one in orjson.loads(body)["inputs"]}
        self.look(process, fault)
        if fault:
            self.tell(f"HubSpot: {fault} for {process.name if process else 'nobody'}")

    def look(self, process: Process | None = None, fault: str = "") -> None:
        """Read what happened to contacts since the last look."""
        portal = self.hubspot.portal
        happenings = list(portal.happenings)[self.hubspot.seen :] if len(portal.happenings) > self.hubspot.seen else []
        self.hubspot.seen += len(happenings)
        for one in happenings:
            contact = portal.contacts.records.get(one.contact)
            if one.source == "INTEGRATION" and one.kind == "creation" and contact is not None:
                self._judge_creation(contact, process, fault)
            elif one.source == "INTEGRATION" and one.kind == "propertyChange":
                foreign = [name for name in one.properties if not name.startswith("line_")]
                if foreign:
                    self.break_law(f"wrote {foreign} of contact {one.contact}, which is not ours")
                self._note_write(one.contact)
            elif one.kind in ("deletion", "privacyDeletion"):
                self._note_removal(one.contact, erased=one.kind == "privacyDeletion")

    def _friend_of(self, contact: Any) -> str | None:
        return self._by_email.get(contact.properties.get("email", ""))

    def _note_write(self, contact: str) -> None:
        for book in self.books.values():
            if contact in book.contacts:
                book.unanswered = True

    def _note_removal(self, contact: str, *, erased: bool) -> None:
        resolve = self.hubspot.portal.contacts.resolve
        for book in self.books.values():
            if contact == book.linked or any(resolve(one) == contact for one in book.contacts):
                book.removed_unanswered = book.unanswered
                if erased:
                    book.privacy_erased_at = self.hubspot.loop.time()
                book.delivered_before_removal = book.delivered

    def _judge_creation(self, contact: Any, process: Process | None, fault: str) -> None:
        friend = self._friend_of(contact)
        if friend is None:
            return self.break_law(f"created contact {contact.id} for nobody")
        book = self.books[friend]
        bodies = self.changes.get(self._asked.get(contact.properties["email"], ""), [])
        if not bodies:
            return self.break_law(f"created contact {contact.id} of {friend[:4]} without a change that asks for it")
        self.tell(f"HubSpot has a new contact {contact.id} of {friend[:4]} by {process.name if process else 'nobody'}")
        wrong = self._wrong(book, bodies)
        if wrong:
            excuse = self._excuse(book, process, fault)
            if excuse is None:
                self.break_law(f"contact {contact.id} of {friend[:4]}: {wrong}")
            else:
                self.tell(f"excused, {excuse}: {wrong}")
                self.excused[excuse] += 1
        book.contacts.append(contact.id)
        book.unanswered = True
        return None

    def _wrong(self, book: Book, bodies: list[dict[str, Any]]) -> str | None:
        """What DESIGN 4.3 has against this creation."""
        permissions = [body["may_create"] for body in bodies if body.get("may_create")]
        if not permissions:
            return "created by a change that permits no creation"
        if not any(event["type"] in PERMITS for _number, event in book.known.events):
            return "created without any event that permits a contact"
        if not book.contacts:
            return None
        if any(self.hubspot.portal.resolve(contact) for contact in book.contacts):
            book.twins += 1
            return "created beside a living contact"
        newest = max(permissions, key=lambda one: (one["at"], one["id"]))
        if newest["kind"] not in TRIGGERS:
            return f"a deleted contact came back for a {newest['kind']}"
        if (newest["at"], newest["id"]) <= book.delivered_before_removal:
            return "a deleted contact came back for an event that HubSpot had been shown"
        if self.comes_back and book.known.erased_at is not None and newest["at"] > book.known.erased_at:
            return None  # RECREATE_AFTER_ERASURE: who was erased here and writes again begins anew
        erased_since = self.hubspot.loop.time() - book.privacy_erased_at
        told_apart = book.privacy_erased_at >= 0 and erased_since < BIN_SECONDS_TRUSTED
        if told_apart and not self._reads_as_archived(book):
            return "created after an erasure for privacy"
        return None

    def _reads_as_archived(self, book: Book) -> bool:
        contacts = self.hubspot.portal.contacts
        return any(contacts.archived(contacts.resolve(contact)) for contact in book.contacts)

    def _excuse(self, book: Book, process: Process | None, fault: str) -> str | None:
        """The exceptions that DESIGN 4.3 names."""
        if fault == "apply-late":
            return "HubSpot applied a timed-out create late"
        if process is not None and not self.is_owner(process, book.friend):
            return "an owner was frozen between lease and call"
        if book.removed_unanswered or (book.linked is None and book.unanswered):
            return "a person deleted between HubSpot's write and its outcome"
        if book.unanswered and book.address_moved:
            return "an address edited before a repeated create"
        if book.twins and book.restored and self.hubspot.portal.resolve(book.linked or "") is None:
            return "a person restored an older contact, whose address had been edited"
        if book.privacy_erased_at > book.looked_at >= 0:
            return "an erasure between the look and the create"
        return None


def _trace(record: dict[str, Any]) -> str:
    """What a change and its outcome have in common, as a call to HubSpot names it."""
    named = f"{record.get('friend')}\n{record.get('revision')}\n{record.get('digest')}"
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def _outcomes_read(row: dict[str, Any]) -> int:
    return int((row.get("read") or {}).get("outcomes", -1))


def _shown(permission: dict[str, Any] | None) -> str:
    return "may not create" if permission is None else f"may create for {permission['kind']} {permission['id'][-6:]}"


_WATCHED: dict[str, Callable[[Judge, dict[str, Any], Record, str], None]] = {
    topics.EVENTS.name: Judge._event,
    topics.RESULTS.name: Judge._result,
    topics.CHANGES.name: Judge._change,
    topics.OUTCOMES.name: Judge._outcome,
    topics.DECISIONS.name: Judge._decision,
}
