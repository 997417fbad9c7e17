"""What the answers to one call mean for its changes.

Law: each change leaves here exactly once: finished, to be continued, or held back for a trouble that is not its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.batch_answers import ItemAnswer, ItemError
from domain.contact_properties import number_of, numbers_of
from domain.delivery import (
    Delivery,
    Finished,
    Next,
    PropertiesMissing,
    after,
    properties_to_write,
    without_connections,
)
from domain.retry import ITEM
from schemas.outcomes import WROTE
from sinks.hubspot.lanes import Work
from sinks.hubspot.rejections import RejectionBudget

_MISSING = "PROPERTY_DOESNT_EXIST"


def may_miss_ours(error: ItemError) -> bool:
    """Whether HubSpot misses properties, and they may be ours: it may not say which, and names others' as well."""
    named = [number_of(name) is not None for name in error.properties]
    return _MISSING in error.codes and (any(named) or not named)


@dataclass(slots=True, kw_only=True)
class Settled:
    """The changes of one call: finished, to be continued after a delay, held back; and properties that are missing."""

    finished: list[tuple[Work, Finished]] = field(default_factory=list)
    again: list[tuple[Work, float]] = field(default_factory=list)
    held: list[Work] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)


def settle(
    works: Sequence[Work],
    items: Sequence[ItemAnswer],
    *,
    now_ms: int,
    removed: frozenset[int],
    budget: RejectionBudget,
    chance: float,
) -> Settled:
    """Apply each answer to its change; `removed` are connections that need no properties any more."""
    settled = Settled()
    for work, item in zip(works, items, strict=True):
        found = _unnamed(work.delivery, item, removed) or after(work.delivery, item, now=now_ms)
        if isinstance(found, PropertiesMissing):
            found = _without_removed(found, removed) or found
        _sort(settled, work, found, budget, chance)
    return settled


def _unnamed(delivery: Delivery, item: ItemAnswer, removed: frozenset[int]) -> Next | None:
    """HubSpot misses a property and does not say which: one of a removed connection, else any that was written."""
    error = item.error
    if error is None or error.properties or not may_miss_ours(error):
        return None
    names = tuple(name for name in properties_to_write(delivery) if number_of(name) is not None)
    gone = removed.intersection(numbers_of(names))
    if gone:
        return without_connections(delivery, gone)
    return PropertiesMissing(delivery=delivery, names=names) if names else None


def _without_removed(missing: PropertiesMissing, removed: frozenset[int]) -> Next | None:
    numbers = frozenset(numbers_of(missing.names))
    return without_connections(missing.delivery, numbers) if numbers <= removed else None


def _sort(settled: Settled, work: Work, found: Next, budget: RejectionBudget, chance: float) -> None:
    if isinstance(found, PropertiesMissing):
        settled.missing.update(found.names)
        settled.again.append((work, 0.0))
    elif isinstance(found, Delivery):
        work.delivery = found
        settled.again.append((work, ITEM.delay(found.tries - 1, chance) if found.waits else 0.0))
    elif found.result == "rejected" and not budget.allows(work.delivery.change.friend):
        settled.held.append(work)
    else:
        if found.result in WROTE:
            budget.wrote()
        settled.finished.append((work, found))
