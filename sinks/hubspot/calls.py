"""One step of many changes as one call to HubSpot.

Law: the answers come back one per change, in the order of the changes, matched by what HubSpot names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from domain.batch_answers import READ_WITH, Asked, BatchAnswer, ItemAnswer, share
from domain.contact_properties import numbers_of, user_id_property
from domain.delivery import Delivery, properties_to_write


class ContactCalls(Protocol):
    """The part of clients.hubspot.contacts.ContactsApi that writing changes needs."""

    async def batch_update(self, inputs: Sequence[tuple[str, str, Mapping[str, str]]]) -> BatchAnswer: ...

    async def batch_create(self, inputs: Sequence[tuple[str, Mapping[str, str]]]) -> BatchAnswer: ...

    async def batch_read(
        self, keys: Sequence[str], properties: Iterable[str], *, archived: bool = False, id_property: str | None = None
    ) -> BatchAnswer: ...


async def ask(api: ContactCalls, deliveries: Sequence[Delivery]) -> tuple[BatchAnswer, list[ItemAnswer]]:
    """Make the call that these deliveries, all at the same step, need next."""
    step = deliveries[0].step
    if step == "update":
        answer = await api.batch_update([(one.target or "", one.trace, properties_to_write(one)) for one in deliveries])
    elif step == "create":
        answer = await api.batch_create([(one.trace, properties_to_write(one)) for one in deliveries])
    else:
        answer = await _read(api, deliveries)
    return answer, share(answer, [_asked(one) for one in deliveries], traced=step in ("update", "create"))


async def _read(api: ContactCalls, deliveries: Sequence[Delivery]) -> BatchAnswer:
    numbers = numbers_of(name for one in deliveries for name in one.change.properties)
    properties = [*READ_WITH, *(user_id_property(number) for number in numbers)]
    if deliveries[0].step == "find":
        return await api.batch_read([one.change.email.lower() for one in deliveries], properties, id_property="email")
    keys = [one.target or "" for one in deliveries]
    return await api.batch_read(keys, properties, archived=deliveries[0].step == "look_archived")


def _asked(one: Delivery) -> Asked:
    if one.step in ("create", "find"):
        return Asked(trace=one.trace, email=one.change.email.lower())
    return Asked(trace=one.trace, id=one.target)
