"""Folding the registry's log."""

from registry.log import Known, fold
from schemas.codec import encode
from schemas.connections import PORTAL_KEY, ConnectionRecord, PortalRecord, SinkRecord
from tests.unit.registry.conftest import LogInMemory


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


def test_an_operator_s_order_about_a_sink_is_no_connection_and_the_newest_counts_in_any_order() -> None:
    pause, resume = SinkRecord(paused=True, at=1), SinkRecord(paused=False, at=2)
    known = Known()
    for order in (pause, resume, pause):
        known = fold(known, b"sink:hubspot", encode(order))
    assert known.sinks == {"hubspot": resume}
    assert known.connections == {}
    assert fold(known, b"sink:unheard", encode(pause)) == known


async def test_an_order_is_written_once_and_never_older_than_the_one_before(registry: LogInMemory) -> None:
    assert await registry.pause_sink("line", False, 5) == (SinkRecord(paused=False, at=5), False)
    assert await registry.pause_sink("line", True, 9) == (SinkRecord(paused=True, at=9), True)
    assert await registry.pause_sink("line", True, 10) == (SinkRecord(paused=True, at=9), False)
    assert await registry.pause_sink("line", False, 3) == (SinkRecord(paused=False, at=10), True), "a clock went back"
    assert [key for key, _ in registry.log] == [b"sink:line", b"sink:line"]
