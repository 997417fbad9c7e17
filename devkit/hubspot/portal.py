"""One HubSpot portal as a pure state machine: what contacts exist and what an act does to them.

No HTTP, clock or I/O: every act takes `now` in milliseconds. API calls and people's acts both end here.
"""

from collections import deque
from dataclasses import dataclass

from devkit.clock import Random
from devkit.hubspot.answers import Refusal, already_exists, error, invalid, not_found
from devkit.hubspot.contacts import Contact, Contacts
from devkit.hubspot.instants import DAY, iso_value
from devkit.hubspot.options import PortalOptions
from devkit.hubspot.schema import Schema
from devkit.hubspot.search_index import SearchIndex
from devkit.hubspot.standard_properties import LIFECYCLE_STAGES
from devkit.hubspot.validation import ADDITIONAL, checked, not_valid
from devkit.hubspot.values import Problem

IDENTITIES_LIMIT = 250
INTEGRATION = "INTEGRATION"
PERSON = "CRM_UI"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a contact, by the names of HubSpot's webhook events."""

    kind: str  # creation propertyChange deletion restore merge privacyDeletion purge
    contact: str
    at: int
    source: str
    properties: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Portal:
    """Contacts, properties and the search index of one account."""

    def __init__(self, options: PortalOptions, random: Random) -> None:
        self.options = options
        self.random = random
        self.schema = Schema()
        self.contacts = Contacts()
        self.index = SearchIndex()
        self.blocked_emails: set[str] = set()
        self.happenings: deque[Happening] = deque(maxlen=100_000)
        self._last_id = 90_000

    def advance(self, now: int) -> None:
        """Let time pass: the bin is emptied, searches see older writes. Call it before anything else."""
        for gone in self.contacts.purge(now):
            self._happened("purge", gone, now, "PLATFORM")
        self.index.advance(now)

    def check(self, values: dict[str, str], *, creating: bool) -> dict[str, str]:
        """Return values as they will be stored; raises the 400 that lists what is wrong with them."""
        return checked(self.schema, values, self.options.longest_text, creating=creating)

    def check_free(self, values: dict[str, str], owner: str = "") -> None:
        """Raise if an e-mail or unique value among checked values is blocked or another active contact has it."""
        emails = [values.get("email", ""), *values.get(ADDITIONAL, "").split(";")]
        for email in filter(None, emails):
            if email in self.blocked_emails:
                raise invalid(f"{email}: email has been GDPR blacklisted")
            holder = self.contacts.by_email(email)
            if holder is not None and holder.id != owner:
                raise already_exists(holder.id)
        for name, value in values.items():
            holder = self.contacts.by_unique(name, value) if value else None
            if holder is not None and holder.id != owner:
                raise _unique_taken(name, value, holder.id)

    def create(self, values: dict[str, str], now: int, source: str = INTEGRATION) -> Contact:
        """Make a contact of checked values; raises a conflict on an e-mail or unique value that is taken."""
        stored = {name: value for name, value in values.items() if value}
        additional = [email for email in stored.pop(ADDITIONAL, "").split(";") if email]
        self.check_free(values)
        contact = Contact(self._new_id(), stored, now, now, additional)
        stored.setdefault("lifecyclestage", "lead")
        stored.update(createdate=iso_value(now), hs_object_source=source, hs_is_contact="true")
        if "email" in stored:
            stored["hs_email_domain"] = stored["email"].partition("@")[2]
        self._derive(contact, now)
        contact.writes = int(source == INTEGRATION)
        self.contacts.add(contact)
        self._changed(contact, now)
        self._happened("creation", contact, now, source, tuple(values))
        return contact

    def update(self, contact: Contact, values: dict[str, str], now: int, source: str = INTEGRATION) -> None:
        """Write checked values to an active contact; `lifecyclestage` never moves backward."""
        self.check_free(values, owner=contact.id)
        self.contacts.disown(contact)
        if "email" in values:
            self._replace_email(contact, values["email"])
        for name, value in values.items():
            if name == "lifecyclestage" and _is_backward(contact.properties.get(name, ""), value):
                continue
            if value:
                contact.properties[name] = value
            else:
                contact.properties.pop(name, None)
        self.contacts.own(contact)
        contact.writes += source == INTEGRATION
        self._derive(contact, now)
        self._changed(contact, now)
        self._happened("propertyChange", contact, now, source, tuple(values))

    def archive(self, contact: Contact, now: int, source: str = INTEGRATION) -> None:
        """Put a contact into the recycle bin: its e-mails are free from now on."""
        self.contacts.disown(contact)
        contact.archived_at = contact.updated_at = now
        self.contacts.leave(contact, now + self.options.bin_days * DAY)
        self._changed(contact, now)
        self._happened("deletion", contact, now, source)

    def restore(self, record_id: str, now: int) -> Contact:
        """Take a contact out of the bin, as only a person can; raises while another one has its e-mail."""
        contact = self.contacts.archived(record_id)
        if contact is None or contact.erased_at is not None:
            raise not_found(f"No deleted contact {record_id} can be restored")
        self.check_free(contact.properties)
        if not self.options.restore_keeps_id:
            self.contacts.remove(contact)
            contact.id = self._new_id()
        contact.archived_at = contact.leaves_at = None
        if self.options.restore_keeps_id:
            self.contacts.own(contact)
        else:
            self.contacts.add(contact)
        self._derive(contact, now)
        self._changed(contact, now)
        self._happened("restore", contact, now, PERSON, others=(record_id,))
        return contact

    def merge(self, primary_id: str, other_id: str, now: int, source: str = INTEGRATION) -> Contact:
        """Merge two active contacts: the primary's values win, the other's e-mails become additional ones."""
        primary, other = self._to_merge(primary_id), self._to_merge(other_id)
        if primary is other:
            raise invalid("Cannot merge a contact with itself")
        if len(set(primary.emails() + other.emails() + primary.merged_ids + other.merged_ids)) > IDENTITIES_LIMIT:
            raise error(414, "VALIDATION_ERROR", f"Cannot have more than {IDENTITIES_LIMIT} identities on a profile")
        self.contacts.remove(other)
        self.contacts.remove(primary)
        survivor = self._survivor(primary, other, now)
        for gone in (primary.id, other.id):
            if gone != survivor.id:
                self.contacts.forwards[gone] = survivor.id
                self.index.note(gone, None, now + self.options.search_lag)
        self._changed(survivor, now)
        self._happened("merge", survivor, now, source, others=(primary.id, other.id))
        return survivor

    def erase(self, contact: Contact, now: int, source: str = INTEGRATION) -> None:
        """Delete a contact for privacy, active or archived: it is gone at once or after the purge."""
        if self.options.privacy_delete_blocks_email:
            self.blocked_emails.update(contact.emails())
        if contact.archived_at is None:
            self.archive(contact, now, source)
        contact.erased_at = now
        self.contacts.leave(contact, now + self.options.privacy_purge_after)
        self._happened("privacyDeletion", contact, now, source)
        self.advance(now)

    def resolve(self, record_id: str) -> Contact | None:
        """Return the active contact behind an id, through merges."""
        return self.contacts.active(self.contacts.resolve(record_id))

    def _to_merge(self, record_id: str) -> Contact:
        found = self.resolve(record_id)
        if found is None:
            raise not_found(f"Contact {record_id} does not exist")
        return found

    def _survivor(self, primary: Contact, other: Contact, now: int) -> Contact:
        properties = {**other.properties, **primary.properties}
        email = properties.get("email")
        addresses = dict.fromkeys(primary.emails() + other.emails())
        keeps = self.options.merge_keeps_primary_id
        merged = [*primary.merged_ids, *other.merged_ids, *([] if keeps else [primary.id]), other.id]
        survivor = Contact(primary.id if keeps else self._new_id(), properties, primary.created_at, now)
        survivor.additional_emails = [address for address in addresses if address != email]
        survivor.merged_ids = merged
        survivor.writes = primary.writes + other.writes
        properties["hs_merged_object_ids"] = ";".join(merged)
        properties["hs_calculated_merged_vids"] = ";".join(f"{gone}:{now}" for gone in merged)
        properties["hs_is_merge_revertible"] = "true"
        self._derive(survivor, now)
        if keeps:
            self.contacts.records[survivor.id] = survivor
            self.contacts.own(survivor)
        else:
            self.contacts.add(survivor)
        return survivor

    def _replace_email(self, contact: Contact, email: str) -> None:
        former = contact.properties.get("email", "")
        if email in contact.additional_emails:
            contact.additional_emails.remove(email)
        if self.options.edited_email_stays_additional and former and former != email:
            contact.additional_emails.append(former)
        contact.properties.pop("hs_email_domain", None)
        if email:
            contact.properties["hs_email_domain"] = email.partition("@")[2]

    def _derive(self, contact: Contact, now: int) -> None:
        contact.updated_at = now
        contact.properties["lastmodifieddate"] = iso_value(now)
        contact.properties["hs_object_id"] = contact.id
        contact.properties["hs_all_contact_vids"] = ";".join([contact.id, *contact.merged_ids])
        if contact.additional_emails:
            contact.properties[ADDITIONAL] = ";".join(contact.additional_emails)
        else:
            contact.properties.pop(ADDITIONAL, None)

    def _changed(self, contact: Contact, now: int) -> None:
        self.index.note(contact.id, contact, now + self.options.search_lag)

    def _new_id(self) -> str:
        self._last_id += 1 + self.random.randrange(40)
        return str(self._last_id)

    def _happened(
        self,
        kind: str,
        contact: Contact,
        now: int,
        source: str,
        properties: tuple[str, ...] = (),
        others: tuple[str, ...] = (),
    ) -> None:
        self.happenings.append(Happening(kind, contact.id, now, source, properties, others))


def _is_backward(former: str, wanted: str) -> bool:
    if former not in LIFECYCLE_STAGES or wanted not in LIFECYCLE_STAGES:
        return False
    return LIFECYCLE_STAGES.index(wanted) < LIFECYCLE_STAGES.index(former)


def _unique_taken(name: str, value: str, holder: str) -> Refusal:
    text = f'Property "{name}" has value "{value}" already on object {holder}'
    return not_valid([Problem(name, "CONFLICTING_UNIQUE_VALUE", text)])
