"""What people do in HubSpot's screens, and no API can do in their place or asks for: the other hand on the portal."""

from collections.abc import Callable

from devkit.hubspot.account import Account
from devkit.hubspot.answers import not_found
from devkit.hubspot.contacts import Contact
from devkit.hubspot.portal import PERSON, Portal


class People:
    """Acts of users on one account. `clock` gives the time in ms; every act raises Refusal when it cannot be done."""

    def __init__(self, account: Account, clock: Callable[[], int]) -> None:
        self._account = account
        self._clock = clock

    def create_contact(self, properties: dict[str, str]) -> Contact:
        """Add a contact by hand."""
        portal, now = self._portal()
        return portal.create(portal.check(properties, creating=True), now, PERSON)

    def edit_contact(self, record_id: str, properties: dict[str, str]) -> Contact:
        """Change properties, the e-mail included."""
        portal, now = self._portal()
        contact = _existing(portal, record_id)
        portal.update(contact, portal.check(properties, creating=False), now, PERSON)
        return contact

    def delete_contact(self, record_id: str) -> Contact:
        """Delete a contact: it goes to the recycle bin for 90 days."""
        portal, now = self._portal()
        contact = _existing(portal, record_id)
        portal.archive(contact, now, PERSON)
        return contact

    def restore_contact(self, record_id: str) -> Contact:
        """Restore a contact from the bin, unless another one has its e-mail by now."""
        portal, now = self._portal()
        return portal.restore(record_id, now)

    def merge_contacts(self, primary_id: str, other_id: str) -> Contact:
        """Merge two contacts and return the survivor, which has a new id unless the portal preserves the primary's."""
        portal, now = self._portal()
        return portal.merge(primary_id, other_id, now, PERSON)

    def erase_contact(self, record_id: str) -> None:
        """Delete a contact for good, for privacy; also one in the bin."""
        portal, now = self._portal()
        contact = portal.contacts.archived(record_id) or _existing(portal, record_id)
        portal.erase(contact, now, PERSON)

    def block_email(self, email: str) -> None:
        """Let HubSpot refuse this address as erased for privacy."""
        self._account.portal.blocked_emails.add(email.lower())

    def delete_property(self, name: str) -> None:
        """Delete a property of the contacts."""
        portal, now = self._portal()
        portal.schema.archive(name, now)

    def use_property(self, name: str, where: str = "a workflow") -> None:
        """Use a property somewhere, so that it cannot be deleted; an empty `where` ends that."""
        portal, now = self._portal()
        portal.schema.find(name, archived=False, now=now).used_in = where

    def contacts(self, *, archived: bool = False) -> list[Contact]:
        """Return the active or the archived contacts, in the order of ids."""
        portal, _ = self._portal()
        return list(portal.contacts.after(0, archived=archived))

    def _portal(self) -> tuple[Portal, int]:
        now = self._clock()
        self._account.portal.advance(now)
        return self._account.portal, now


def _existing(portal: Portal, record_id: str) -> Contact:
    contact = portal.resolve(record_id)
    if contact is None:
        raise not_found(f"Contact {record_id} does not exist")
    return contact
