"""LINE's clock. Law: marks are ordered by (at, id) and by nothing else; whatever mark is newer than none."""

from schemas.marks import Mark, Trigger


def is_newer(one: Mark | Trigger | None, other: Mark | Trigger | None) -> bool:
    """Does `one` stand after `other`?"""
    if one is None:
        return False
    return other is None or one.at > other.at or (one.at == other.at and one.id > other.id)


def mark_of(trigger: Trigger | None) -> Mark | None:
    """The place of a trigger."""
    return None if trigger is None else Mark(id=trigger.id, at=trigger.at)
