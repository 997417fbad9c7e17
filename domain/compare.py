"""HubSpot against the fold: does each contact equal its friend's projection?

Law: datetimes are compared as instants, null, "" and absent are one, line ends and outer blanks do not count; a slot
that belongs to another friend is skipped. Pure: who calls it reads the states and the contacts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.contact_properties import is_instant, number_of, user_id_property
from domain.order import is_newer
from domain.projection import properties_of
from domain.settle import MAX_LOCAL_PART
from schemas.friends import ContactStatus, FriendState


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One friend as the fold knows it; `wanted`: a contact shall exist although no live one is linked.

    `shadowed`: connections whose slots are another friend's, or nobody's any more.
    """

    friend: str
    properties: Mapping[str, str]
    status: ContactStatus = "none"
    contact: str | None = None
    wanted: bool = False
    blocked: bool = False
    shadowed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveContact:
    """One contact that is not in the bin, with its properties; `swallowed`: ids of records merged into it."""

    id: str
    properties: Mapping[str, str | None]
    swallowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with one friend's contact: names of properties, never values."""

    kind: str
    friend: str
    contact: str | None = None
    properties: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Proof:
    """The counts of `verify`; `absent` friends have no contact and shall have none."""

    equal: int = 0
    different: int = 0
    missing: int = 0
    extra: int = 0
    foreign: int = 0
    absent: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether HubSpot equals the fold; unknown LINE ids are somebody else's and no failure."""
        return not (self.different or self.missing or self.extra)


def expected_of(row: FriendState, *, removed: frozenset[int] = frozenset()) -> Expected:
    """What HubSpot shall have of a friend; the values of `removed` connections are nobody's any more."""
    status: ContactStatus = "none" if row.erased_at is None else "erased"
    if row.contact is not None:
        status = row.contact.status
    permitted = row.trigger is not None or row.permit is not None
    if status == "gone":
        permitted = is_newer(row.trigger, row.trigger_delivered)
    return Expected(
        friend=row.friend,
        properties=properties_of(row.friend, row.connections),
        status=status,
        contact=row.contact.id if row.contact is not None else None,
        wanted=permitted and len(row.friend) <= MAX_LOCAL_PART,
        blocked=row.blocked is not None,
        shadowed=removed.union(int(number) for number, state in row.connections.items() if state.shadowed),
    )


def differing(
    wanted: Mapping[str, str], found: Mapping[str, str | None], *, skipped: frozenset[int] = frozenset()
) -> tuple[str, ...]:
    """Names of the wanted properties that a contact has otherwise; those of `skipped` connections do not count."""
    return tuple(
        sorted(
            name
            for name, value in wanted.items()
            if number_of(name) not in skipped and not same_value(name, value, found.get(name))
        )
    )


def same_value(name: str, wanted: str | None, found: str | None) -> bool:
    """Whether two values of one property mean the same."""
    one, other = _plain(wanted), _plain(found)
    if one == other:
        return True
    if not is_instant(name) or not one or not other:
        return False
    at = instant_of(one)
    return at is not None and at == instant_of(other)


def instant_of(text: str) -> int | None:
    """Milliseconds of a datetime as HubSpot writes it, ISO 8601 or epoch milliseconds; None when it is neither."""
    if text.removeprefix("-").isdecimal():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def prove(expected: Iterable[Expected], live: Iterable[LiveContact]) -> Proof:
    """Compare all friends with all live contacts."""
    contacts = {contact.id: contact for contact in live}
    survivors = {old: contact for contact in contacts.values() for old in contact.swallowed}
    friends = {one.friend: one for one in expected}
    proof = Proof()
    linked: dict[str, str] = {}
    for one in friends.values():
        contact = contacts.get(one.contact or "") or survivors.get(one.contact or "")
        if one.status == "live" and contact is not None:
            linked[one.friend] = contact.id
        _judge(proof, one, contact)
    for contact in contacts.values():
        _look_for_strangers(proof, contact, friends, linked)
    return proof


def _judge(proof: Proof, one: Expected, contact: LiveContact | None) -> None:
    if one.status != "live":
        if (one.status != "erased" and one.wanted) or (one.status == "none" and one.blocked):
            proof.missing += 1
            proof.findings.append(Finding(kind="missing", friend=one.friend))
        else:
            proof.absent += 1
        if contact is not None and not _names(contact, one.friend):  # who is named is found by name
            proof.extra += 1
            proof.findings.append(Finding(kind="extra", friend=one.friend, contact=contact.id))
        return
    if contact is None:
        proof.missing += 1
        proof.findings.append(Finding(kind="missing", friend=one.friend, contact=one.contact))
        return
    names = differing(one.properties, contact.properties, skipped=one.shadowed)
    if names or one.blocked or contact.id != one.contact:
        proof.different += 1
        proof.findings.append(Finding(kind="different", friend=one.friend, contact=contact.id, properties=names))
    else:
        proof.equal += 1


def _look_for_strangers(
    proof: Proof, contact: LiveContact, friends: Mapping[str, Expected], linked: Mapping[str, str]
) -> None:
    """LINE user ids in a contact that is not linked to that friend."""
    for name, value in sorted(contact.properties.items()):
        number = number_of(name)
        if not value or number is None or name != user_id_property(number):
            continue
        one = friends.get(value)
        if one is None:
            proof.foreign += 1
        elif linked.get(value) != contact.id:
            proof.extra += 1
            proof.findings.append(Finding(kind="extra", friend=value, contact=contact.id, properties=(name,)))


def _names(contact: LiveContact, friend: str) -> bool:
    return any(
        value == friend and (number := number_of(name)) is not None and name == user_id_property(number)
        for name, value in contact.properties.items()
    )


def _plain(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()
