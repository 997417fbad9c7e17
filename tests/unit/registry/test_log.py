"""Folding the registry's log."""

from registry.log import Known, fold
from schemas.codec import encode
from schemas.connections import PORTAL_KEY, ConnectionRecord, PortalRecord


def record(number: int, version: int, name: str = "n") -> ConnectionRecord:
    return ConnectionRecord(number=number, status="connected", name=name, channel_id="1", created_at=1, version=version)


def test_the_newest_version_counts_in_any_order() -> None:
    """A view that reads the log again from its start never goes back."""
    known = Known()
    for one in (record(1, 1), record(1, 2, "new"), record(1, 1), record(2, 1)):
        known = fold(known, b"%d" % one.number, encode(one))
    assert {n: (r.version, r.name) for n, r in known.connections.items()} == {1: (2, "new"), 2: (1, "n")}


def test_what_cannot_be_read_changes_nothing() -> None:
    known = fold(Known(), b"1", encode(record(1, 1)))
    for key, value in ((b"1", b"{"), (None, b"{}"), (b"1", None), (b"2", encode(record(3, 1))), (PORTAL_KEY, b"[]")):
        assert fold(known, key, value) == known


def test_the_portal_is_no_connection() -> None:
    known = fold(Known(), PORTAL_KEY, encode(PortalRecord(portal_id=7, since=1)))
    assert known.portal == PortalRecord(portal_id=7, since=1)
    assert known.connections == {}
