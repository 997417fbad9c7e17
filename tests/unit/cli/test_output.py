"""What a verb says: times in ISO, data as JSON."""

from cli.output import iso, with_iso_times


def test_times_are_told_in_iso_and_everything_else_as_it_is() -> None:
    said = with_iso_times({"at": 0, "linked_at": 1_732_250_000_123, "count": 5, "in": [{"since": 0, "id": "01J"}]})
    assert said == {
        "at": "1970-01-01T00:00:00.000Z",
        "linked_at": "2024-11-22T04:33:20.123Z",
        "count": 5,
        "in": [{"since": "1970-01-01T00:00:00.000Z", "id": "01J"}],
    }


def test_a_time_that_is_not_there_stays_away() -> None:
    assert iso(None) is None
