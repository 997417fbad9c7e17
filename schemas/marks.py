"""Points in LINE's time, and what stands at them.

Law: two marks are ordered by (at, id) and by nothing else; `at` is milliseconds of LINE's clock.
"""

from schemas.codec import Record


class Mark(Record, frozen=True, kw_only=True):
    """An event's place in LINE's time."""

    id: str
    at: int


class Trigger(Record, frozen=True, kw_only=True):
    """An event that may create a contact, or bring a deleted one back."""

    id: str
    at: int
    kind: str


class Cause(Record, frozen=True, kw_only=True):
    """The record that something follows from."""

    id: str
    kind: str
    topic: str
    partition: int
    offset: int
