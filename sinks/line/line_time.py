"""LINE's clock in results.

Law: a result's time is LINE's `Date`, whole seconds, + 999 ms: never before what happened within that second.
"""

REST_OF_THE_SECOND_MS = 999


def result_time(date: int) -> int:
    """The `at` of a result whose answer carried this `Date` (ms)."""
    return date + REST_OF_THE_SECOND_MS
