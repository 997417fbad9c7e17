"""HubSpot in a few rows: what a call answers, and what people do.

Law: values only; every change is a new portal, so that portals can be counted. The answers are those of
facts on HubSpot: a deleted id is not found, a merged one silently missing from an update and read as its survivor, a
create beside a living owner of the address is a conflict that names it. The primary's values win in a merge.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from domain.batch_answers import Found, ItemAnswer, ItemError
from domain.contact_properties import number_of, user_id_property
from domain.delivery import Delivery, properties_to_write

_NOT_FOUND = ItemAnswer(error=ItemError(category="OBJECT_NOT_FOUND"))
_BLOCKLISTED = ItemAnswer(error=ItemError(category="VALIDATION_ERROR", blocklisted=True))


class Row(NamedTuple):
    """One contact: `live`, in the `bin`, or `merged` into another; an erased one has no row."""

    id: str
    status: str
    emails: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    into: str = ""

    @property
    def properties(self) -> dict[str, str]:
        return dict(self.values)


class Portal(NamedTuple):
    """All contacts, the next id, and the switches of which the facts are not sure."""

    rows: tuple[Row, ...] = ()
    next: int = 1
    merge_mints: bool = False
    erasure_blocks: bool = False
    blocked: tuple[str, ...] = ()

    def row(self, contact: str | None) -> Row | None:
        """The row with exactly this id."""
        return next((row for row in self.rows if row.id == contact), None)

    def behind(self, contact: str | None) -> Row | None:
        """The row behind an id, through merges."""
        row = self.row(contact)
        while row is not None and row.status == "merged":
            row = self.row(row.into)
        return row

    def living(self, contact: str | None) -> Row | None:
        """The live contact behind an id."""
        row = self.behind(contact)
        return row if row is not None and row.status == "live" else None

    def owner(self, email: str) -> Row | None:
        """The live contact with this address."""
        return next((row for row in self.rows if row.status == "live" and email in row.emails), None)

    def of_friend(self, friend: str) -> list[Row]:
        """The live contacts that name this friend in any slot."""
        return [row for row in self.rows if row.status == "live" and friend in dict(row.values).values()]

    def with_row(self, new: Row) -> "Portal":
        """A row changed, or added at the end."""
        rows = tuple(new if row.id == new.id else row for row in self.rows)
        return self._replace(rows=rows if self.row(new.id) else (*rows, new))

    def without(self, contact: str) -> "Portal":
        """A row gone for good."""
        return self._replace(rows=tuple(row for row in self.rows if row.id != contact))


def named(row: Row) -> str | None:
    """The friend whom a row names first."""
    return next((value for name, value in row.values if (n := number_of(name)) and name == user_id_property(n)), None)


def answer(portal: Portal, delivery: Delivery) -> tuple[Portal, ItemAnswer]:
    """What HubSpot does and says at a delivery's step."""
    if delivery.step == "update":
        return _update(portal, delivery)
    if delivery.step == "create":
        return _create(portal, delivery)
    if delivery.step == "find":
        return portal, _found(portal.owner(delivery.change.email))
    row = portal.behind(delivery.target)
    wanted = "live" if delivery.step == "look" else "bin"
    return portal, _found(row if row is not None and row.status == wanted else None)


def _update(portal: Portal, delivery: Delivery) -> tuple[Portal, ItemAnswer]:
    row = portal.row(delivery.target)
    if row is not None and row.status == "merged":
        return portal, ItemAnswer()
    if row is None or row.status != "live":
        return portal, _NOT_FOUND
    written = row._replace(values=_values({**row.properties, **properties_to_write(delivery)}))
    return portal.with_row(written), _found(written)


def _create(portal: Portal, delivery: Delivery) -> tuple[Portal, ItemAnswer]:
    given = properties_to_write(delivery)
    email = given.pop("email")
    owner = portal.owner(email)
    if owner is not None:
        return portal, ItemAnswer(error=ItemError(category="CONFLICT", existing_ids=(owner.id,)))
    if email in portal.blocked:
        return portal, _BLOCKLISTED
    row = Row(str(portal.next), "live", (email,), _values(given))
    return portal.with_row(row)._replace(next=portal.next + 1), _found(row)


def _found(row: Row | None) -> ItemAnswer:
    return _NOT_FOUND if row is None else ItemAnswer(found=Found(id=row.id, properties=row.properties))


def _values(properties: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(properties.items()))


class Act(NamedTuple):
    """What a person did: a sentence, the portal after it, and the id of whom was erased."""

    text: str
    portal: Portal
    erased: str | None = None


def acts(portal: Portal, kinds: frozenset[str]) -> Iterator[Act]:
    """Everything that a person can do now, out of these kinds."""
    for row in portal.rows:
        if row.status == "live":
            yield from _acts_on(portal, row, kinds)
        elif row.status == "bin":
            if "restore" in kinds and not any(portal.owner(email) for email in row.emails):
                yield Act(f"A person restores contact {row.id}.", portal.with_row(row._replace(status="live")))
            if "erase" in kinds:
                yield _erased(portal, row)


def _acts_on(portal: Portal, row: Row, kinds: frozenset[str]) -> Iterator[Act]:
    if "delete" in kinds:
        yield Act(f"A person deletes contact {row.id}.", portal.with_row(row._replace(status="bin")))
    if "erase" in kinds:
        yield _erased(portal, row)
    if "edit" in kinds and row.emails[0].endswith("@line.me"):
        edited = row._replace(emails=(f"{row.id}@example.com", *row.emails[1:]))
        yield Act(f"A person edits the address of contact {row.id}.", portal.with_row(edited))
    if "scribble" in kinds and dict(row.values).get("line_follow_1") == "true":
        drifted = row._replace(values=_values({**row.properties, "line_follow_1": "false"}))
        yield Act(f"A person edits line_follow_1 of contact {row.id}.", portal.with_row(drifted))
    if "foreign" in kinds:
        other = Row(str(portal.next), "live", (f"{portal.next}@example.com",), ())
        with_other = portal.with_row(other)._replace(next=portal.next + 1)
        yield _merged(with_other, other, row, "a foreign contact")
    if "merge" in kinds:
        for other in portal.rows:
            if other.status == "live" and other.id != row.id:
                yield _merged(portal, row, other, f"contact {row.id}")


def _erased(portal: Portal, row: Row) -> Act:
    blocked = tuple(sorted({*portal.blocked, *row.emails})) if portal.erasure_blocks else ()
    return Act(
        f"A person erases contact {row.id} for privacy.", portal.without(row.id)._replace(blocked=blocked), row.id
    )


def _merged(portal: Portal, primary: Row, other: Row, name: str) -> Act:
    survivor = str(portal.next) if portal.merge_mints else primary.id
    values = _values({**other.properties, **primary.properties})
    for gone in (primary, other):
        if gone.id != survivor:
            portal = portal.with_row(Row(gone.id, "merged", (), (), survivor))
    portal = portal.with_row(Row(survivor, "live", primary.emails + other.emails, values))
    if portal.merge_mints:
        portal = portal._replace(next=portal.next + 1)
    return Act(f"A person merges contact {other.id} into {name}: it is {survivor} now.", portal)
