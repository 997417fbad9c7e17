"""A simulated portal behind the sink's calls, the people who work in it, and a bookkeeper of what may be created."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from clients.hubspot import answers
from clients.hubspot.verdict import trouble_of
from devkit.clock import Random, seeded
from devkit.hubspot import batch_calls
from devkit.hubspot.account import Account
from devkit.hubspot.answers import Refusal
from devkit.hubspot.call import Call
from devkit.hubspot.options import PortalOptions
from devkit.hubspot.people import People
from domain.batch_answers import BatchAnswer
from domain.contact_properties import GROUP_LABEL, GROUP_NAME, connection_properties
from domain.projection import email_of
from domain.registers import TRIGGERS
from schemas.changes import Change
from schemas.outcomes import WROTE, Outcome

ACTS = ["delete"] * 4 + ["restore"] * 2 + ["merge", "erase", "edit", "add"]


class Broken(AssertionError):
    """A law of DESIGN 4 does not hold."""


@dataclass
class Book:
    """What is true of one friend's contacts, from the published outcomes: the judge of every creation.

    `excused`: one of the exceptions that DESIGN 4.3 names has happened to the open change.
    """

    friend: str
    contacts: list[str] = field(default_factory=list)
    delivered: tuple[int, str] = (-1, "")
    excused: bool = False
    erased: bool = False
    address_moved: bool = False

    def note(self, change: Change, outcome: Outcome) -> None:
        if outcome.result not in WROTE or outcome.contact is None:
            return
        self.contacts.append(outcome.contact)
        self.excused = False
        trigger = change.may_create
        if trigger is not None and trigger.kind in TRIGGERS and not outcome.shadowed:
            self.delivered = max(self.delivered, (trigger.at, trigger.id))


class Crm:
    """The calls that `sinks.hubspot.calls` makes, answered by the simulator and read by the real parser."""

    def __init__(self, random: Random, friends: Iterable[str], options: Mapping[str, Any]) -> None:
        self.random, self.now = random, 1_732_260_000_000
        given = {
            "merge_keeps_primary_id": random.random() < 0.5,
            "edited_email_stays_additional": random.random() < 0.5,
            **options,
        }
        self.account = Account("pat-test", PortalOptions(**given), seed=random.randrange(1 << 30))
        self.portal = self.account.portal
        self.people = People(self.account, lambda: self.now)
        self.books = {friend: Book(friend) for friend in friends}
        self.in_flight: Sequence[Change] = ()
        self.hasty: set[str] = set()  # friends whose contact the sink has looked for and not created yet
        self._make_properties()

    def _make_properties(self) -> None:
        schema = self.portal.schema
        schema.create_group({"name": GROUP_NAME, "label": GROUP_LABEL})
        for one in (*connection_properties(1), *connection_properties(2)):
            options = [{"label": label, "value": value, "hidden": False} for value, label in one.options]
            kind = {"type": one.type, "fieldType": one.field_type, "groupName": GROUP_NAME, "options": options}
            schema.create({"name": one.name, "label": one.label, **kind}, self.now)

    async def batch_update(self, inputs: Sequence[tuple[str, str, Mapping[str, str]]]) -> BatchAnswer:
        return self._ask(batch_calls.update, [_input(trace, given, id=record) for record, trace, given in inputs])

    async def batch_create(self, inputs: Sequence[tuple[str, Mapping[str, str]]]) -> BatchAnswer:
        for _trace, given in inputs:
            self._judge_creation(given["email"])
        return self._ask(batch_calls.create, [_input(trace, given) for trace, given in inputs])

    async def batch_read(
        self, keys: Sequence[str], properties: Iterable[str], *, archived: bool = False, id_property: str | None = None
    ) -> BatchAnswer:
        more = {"properties": list(properties), **({"idProperty": id_property} if id_property else {})}
        query = {"archived": ["true" if archived else "false"]}
        return self._ask(batch_calls.read, [{"id": key} for key in keys], query=query, **more)

    def _ask(self, call: Any, inputs: list[dict[str, Any]], query: Any = None, **more: Any) -> BatchAnswer:
        self.portal.advance(self.now)
        try:
            answer = call(self.portal, Call(self.now, query=query or {}, body={"inputs": inputs, **more}))
        except Refusal as refusal:
            answer = refusal.answer("c-1")
        body = orjson.loads(orjson.dumps(answer.body))
        if answer.status >= 300:
            raise trouble_of(answer.status, {}, body)
        return answers.batch_answer(answer.status, {}, body)

    def _judge_creation(self, email: str) -> None:
        if self.portal.contacts.by_email(email) is not None:
            return  # it ends in a CONFLICT
        book = next(book for book in self.books.values() if email_of(book.friend) == email)
        if book.excused or not book.contacts:
            return
        trigger = next(change for change in self.in_flight if change.friend == book.friend).may_create
        if trigger is None or trigger.kind not in TRIGGERS or (trigger.at, trigger.id) <= book.delivered:
            raise Broken("re-created without a trigger newer than the last one that was carried")
        if not book.address_moved and any(self.portal.resolve(contact) for contact in book.contacts):
            raise Broken("created beside a living contact")
        if book.erased:
            raise Broken("created after an erasure")

    def person_acts(self, act: str) -> None:
        """One act of a person on any contact; nothing where HubSpot refuses it."""
        active = self.people.contacts()
        try:
            if act == "restore":
                self._restore(self.people.contacts(archived=True))
            elif act == "merge":
                if len(active) > 1:
                    primary, other = self.random.sample(active, 2)
                    self.people.merge_contacts(primary.id, other.id)
            elif act == "add":
                if len(active) < 4:
                    self.people.create_contact({"email": self._any_address()})
            elif active:
                self._act_on(act, self.random.choice(active).id)
        except Refusal:
            return

    def _restore(self, deleted: list[Any]) -> None:
        if deleted:
            self.people.restore_contact(self.random.choice(deleted).id)
            for book in self.books.values():
                book.address_moved = True  # an older contact may live again beside one with an edited address

    def _any_address(self) -> str:
        friend = self.random.choice(list(self.books))
        return self.random.choice([email_of(friend), f"p{self.random.randrange(10_000)}@example.com"])

    def _act_on(self, act: str, contact: str) -> None:
        if act == "delete":
            self.people.delete_contact(contact)
        elif act == "edit":
            self.people.edit_contact(contact, {"email": f"p{self.random.randrange(10_000)}@example.com"})
            for book in self.books.values():
                book.address_moved = True
        else:
            for book in self.books.values():
                if book.contacts and self.portal.contacts.resolve(book.contacts[-1]) == contact:
                    book.erased = True
                    book.excused = book.excused or book.friend in self.hasty
            self.people.erase_contact(contact)


def _input(trace: str, properties: Mapping[str, str], **more: str) -> dict[str, Any]:
    return {**more, "objectWriteTraceId": trace, "properties": dict(properties)}


def simulated(seed: int, friends: Iterable[str], **options: Any) -> Crm:
    """A portal whose every turn follows from the seed."""
    return Crm(seeded(seed), friends, options)
