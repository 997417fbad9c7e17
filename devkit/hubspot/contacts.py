"""The contacts of a portal and the ways to find one: record id, e-mail (primary or additional), unique property.

An active contact owns its e-mails; an archived one keeps them written down but owns none.
"""

import heapq
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Contact:
    """One record; `properties` holds every stored value as text, times in ms."""

    id: str
    properties: dict[str, str]
    created_at: int
    updated_at: int
    additional_emails: list[str] = field(default_factory=list)
    merged_ids: list[str] = field(default_factory=list)
    archived_at: int | None = None
    erased_at: int | None = None
    leaves_at: int | None = None  # when an archived record leaves the bin for good
    writes: int = 0  # by the API

    def emails(self) -> list[str]:
        """Return the primary address, if any, and the additional ones."""
        primary = self.properties.get("email", "")
        return [primary, *self.additional_emails] if primary else list(self.additional_emails)


class Contacts:
    """All records that can still be read, and where merged ones went."""

    def __init__(self) -> None:
        self.records: dict[str, Contact] = {}
        self.forwards: dict[str, str] = {}
        self._order: list[int] = []
        self._emails: dict[str, str] = {}
        self._unique: dict[str, dict[str, str]] = {}
        self._leaving: list[tuple[int, str]] = []

    def add(self, contact: Contact) -> None:
        """Take in a new, active contact; ids only grow."""
        self.records[contact.id] = contact
        self._order.append(int(contact.id))
        self.own(contact)

    def own(self, contact: Contact) -> None:
        """Let an active contact be found by its e-mails and unique values."""
        for email in contact.emails():
            self._emails[email] = contact.id
        for name, owners in self._unique.items():
            if value := contact.properties.get(name):
                owners[value] = contact.id

    def disown(self, contact: Contact) -> None:
        """Take the e-mails and unique values of a contact back."""
        for email in contact.emails():
            if self._emails.get(email) == contact.id:
                del self._emails[email]
        for name, owners in self._unique.items():
            value = contact.properties.get(name, "")
            if owners.get(value) == contact.id:
                del owners[value]

    def index_unique(self, name: str) -> None:
        """Start to find contacts by the values of this property."""
        active = (contact for contact in self.records.values() if contact.archived_at is None)
        self._unique[name] = {
            contact.properties[name]: contact.id for contact in active if contact.properties.get(name)
        }

    def resolve(self, record_id: str) -> str:
        """Follow merges to the surviving id."""
        while (further := self.forwards.get(record_id)) is not None:
            record_id = further
        return record_id

    def active(self, record_id: str) -> Contact | None:
        """Return the active contact with exactly this id."""
        found = self.records.get(record_id)
        return found if found is not None and found.archived_at is None else None

    def archived(self, record_id: str) -> Contact | None:
        """Return the archived contact with exactly this id."""
        found = self.records.get(record_id)
        return found if found is not None and found.archived_at is not None else None

    def by_email(self, email: str) -> Contact | None:
        """Return the active contact that owns this address, as primary or additional one, in any case of letters."""
        owner = self._emails.get(email.lower())
        return None if owner is None else self.records[owner]

    def by_unique(self, name: str, value: str) -> Contact | None:
        """Return the active contact with this value of a unique property."""
        owner = self._unique.get(name, {}).get(value)
        return None if owner is None else self.records[owner]

    def is_unique(self, name: str) -> bool:
        """Say whether the property identifies a contact."""
        return name in self._unique

    def remove(self, contact: Contact) -> None:
        """Forget a record for good."""
        self.disown(contact)
        del self.records[contact.id]

    def leave(self, contact: Contact, at: int) -> None:
        """Let an archived record leave the bin at that instant."""
        contact.leaves_at = at
        heapq.heappush(self._leaving, (at, contact.id))

    def purge(self, now: int) -> list[Contact]:
        """Forget the archived records whose time in the bin is over, and return them."""
        gone = []
        while self._leaving and self._leaving[0][0] <= now:
            at, record_id = heapq.heappop(self._leaving)
            contact = self.archived(record_id)
            if contact is not None and contact.leaves_at == at:
                self.remove(contact)
                gone.append(contact)
        return gone

    def after(self, record_id: int, *, archived: bool) -> Iterator[Contact]:
        """Walk the records of one kind behind an id, in the order of ids."""
        for position in range(bisect_right(self._order, record_id), len(self._order)):
            contact = self.records.get(str(self._order[position]))
            if contact is not None and (contact.archived_at is not None) == archived:
                yield contact
