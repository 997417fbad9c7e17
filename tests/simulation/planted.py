"""Bugs to plant in the real code: a simulation that does not find them proves nothing.

Law: each switches off one rule of DESIGN 3 or 4 by replacing one name of the product, in a process of its own. It is
found when a life ends with a sentence about that very rule (SHOWN_BY); other damage that it does is not enough.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import domain.outcomes
import domain.settle
import domain.turn
import sinks.hubspot.calls
import sinks.hubspot.deliverer
from domain.batch_answers import ItemAnswer
from sinks.hubspot.deliverer import Deliverer
from sinks.hubspot.memory import Memory
from sinks.hubspot.sink import HubSpotSink
from sinks.progress import Progress


def memory_off() -> None:
    """The sink remembers nothing of what it wrote."""
    _replace(Memory, "of", lambda _memory, _friend: None)


def trigger_delivered_ignored() -> None:
    """Every trigger permits a creation, whether or not HubSpot has been shown it."""
    _replace(domain.settle, "is_newer", lambda one, _other: one is not None)


def matched_by_order() -> None:
    """The parts of an answer are taken in the order of the inputs."""

    def share(answer: Any, inputs: Any, *, traced: bool) -> list[ItemAnswer]:
        parts = [ItemAnswer(found=one) for one in answer.found] + [ItemAnswer(error=one) for one in answer.errors]
        return (parts + [ItemAnswer(unsure=True)] * len(inputs))[: len(inputs)]

    _replace(sinks.hubspot.calls, "share", share)


def committed_before_the_outcome() -> None:
    """The sink commits what it has taken in, answered or not."""
    _replace(Progress, "_first", lambda progress, partition: progress._next[partition])


def published_before_the_call() -> None:
    """A change counts as answered before HubSpot has been asked: its first call fails unseen."""

    async def troubled(deliverer: Any, group: Any, _trouble: Any) -> None:
        ended = [sinks.hubspot.deliverer.Finished(delivery=w.delivery, result="updated", contact=w.delivery.target)
                 for w in group.works]  # fmt: skip
        await deliverer._finish(list(zip(group.works, ended, strict=True)), status=200, correlation=None)

    _replace(Deliverer, "_troubled", troubled)


def two_outstanding() -> None:
    """The fold emits although a change is open."""
    real: Any = domain.turn.settle

    def settle(draft: Any, causes: Any, **given: Any) -> Any:
        draft.sent = None
        return real(draft, causes, **given)

    _replace(domain.turn, "settle", settle)


def partitions_kept_after_revocation() -> None:
    """The sink goes on with its changes although the partitions are another's."""
    real: Callable[..., Awaitable[None]] = HubSpotSink.on_partitions_revoked

    async def revoked(sink: Any, gone: Any) -> None:
        sink._epoch += 1

    assert real is not None
    _replace(HubSpotSink, "on_partitions_revoked", revoked)


def merged_contacts_taken_for_gone() -> None:
    """A record that an update passes over in silence is taken for deleted without looking."""

    def updated(delivery: Any, answer: Any, now: int) -> Any:
        if answer.found is None and (answer.error is None or answer.error.not_found):
            return domain.delivery._to_create(delivery) if delivery.may_create else domain.delivery._gone(
                delivery, "archived"
            )  # fmt: skip
        return domain.delivery._wrote(delivery, answer.found) if answer.found else domain.delivery._refused(
            delivery, answer.error
        )  # fmt: skip

    domain.delivery._AFTER["update"] = updated  # type: ignore[attr-defined]  # a module's own table


def email_written_on_updates() -> None:
    """The dummy address is written onto contacts whose address people may have edited."""
    real = sinks.hubspot.calls.properties_to_write
    _replace(sinks.hubspot.calls, "properties_to_write",
             lambda delivery: {"email": delivery.change.email, **real(delivery)})  # fmt: skip


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        memory_off,
        trigger_delivered_ignored,
        matched_by_order,
        committed_before_the_outcome,
        published_before_the_call,
        two_outstanding,
        partitions_kept_after_revocation,
        merged_contacts_taken_for_gone,
        email_written_on_updates,
    )
}


SHOWN_BY: dict[str, str] = {
    "memory_off": "came back for an event that HubSpot had been shown",
    "trigger_delivered_ignored": "is blocked with unstable|came back for an event that HubSpot had been shown",
    "matched_by_order": "parked:UNATTRIBUTED|living contacts",
    "committed_before_the_outcome": "is committed, and nobody has said what came of",
    "published_before_the_call": "and nothing was written",
    "two_outstanding": "is open while the first is not answered",
    "partitions_kept_after_revocation": "whose partition is",
    "merged_contacts_taken_for_gone": "created beside a living contact",
    "email_written_on_updates": r"wrote \['email'\]",
}


def _replace(where: Any, name: str, what: Any) -> None:
    getattr(where, name)  # a renamed rule must be noticed
    setattr(where, name, what)
