"""A real worker on real Kafka: folds, recovers, stops, and keeps what it cannot process."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.log_reader import read_log
from schemas import topics
from schemas.changes import read_change

FRIENDS = [f"U{number:032x}" for number in range(20)]


async def until_folded(world: Any, worker: Any, until: Any) -> None:
    async def folded() -> bool:
        return worker.ready() and await world.behind() == 0

    await until(folded)


async def changed(world: Any) -> list[str]:
    """The friend of each change that was ever emitted."""
    return sorted([read_change(r.value).friend async for r in read_log(world.brokers, topics.CHANGES.name)])


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_events_become_changes_and_states_survive_a_restart(
    world: Any, start_worker: Any, until: Any, store: str
) -> None:
    await world.tell(*[(friend, "hello") for friend in FRIENDS])
    worker = start_worker("a", store=store)
    await until(worker.ready)
    await until_folded(world, worker, until)
    assert await changed(world) == sorted(FRIENDS)
    assert await world.lost() == []
    why = worker.get(f"/api/v1/friends/{FRIENDS[0]}/why")
    assert [decision["decision"] for decision in why["decisions"]] == ["changed"]
    assert worker.get("/api/v1/status")["partitions"] == [0, 1, 2, 3]
    assert worker.get("/readyz") == {"ready": True}
    assert await worker.stop() == 0
    assert worker.document()["ready"] is False

    again = start_worker("a", store=store)
    await until(again.ready)
    state = again.get(f"/api/v1/friends/{FRIENDS[3]}")["state"]
    assert state["revision"] == 1
    assert state["sent"]["digest"]
    await world.tell((FRIENDS[3], "again"))
    await until_folded(world, again, until)
    assert again.get(f"/api/v1/friends/{FRIENDS[3]}")["state"]["revision"] == 2
    assert await changed(world) == sorted(FRIENDS), "one change is outstanding, and stays the only one"
    flow = again.flow()
    assert flow["received"] == flow["sent"] + sum(flow["discarded"].values()) + flow["in_flight"] == 1
    assert await again.stop() == 0
    assert "Traceback" not in again.said()


async def test_what_is_wrong_with_one_record_is_its_fate_alone(world: Any, start_worker: Any, until: Any) -> None:
    """Unreadable bytes, a null value and no key on each source, a bug of the pure fold: dead letters byte for byte.

    The neighbours are folded, and so is a record that is larger than a fetch and than a batch.
    """
    bad = [(b"k1", b"\xff\xfe no json", [("x", b"1")]), (b"k2", None, []), (None, b"{}", [])]
    for topic in topics.FOLD_SOURCES:
        await world.appender.append(topic.name, 2, bad)
    await world.tell(*[(friend, "hello") for friend in FRIENDS])
    await world.tell((FRIENDS[0], "BOOM"), (FRIENDS[0], "after"), (FRIENDS[1], "x" * 3_000_000))
    worker = start_worker("a", "with-bug")
    await until(worker.ready)
    await until_folded(world, worker, until)

    letters = await world.dead_letters()
    for topic in topics.FOLD_SOURCES:
        kept = [r for r in letters if r.partition == 2 and dict(r.headers)["dl_topic"] == topic.name.encode()]
        unreadable = [r for r in kept if dict(r.headers)["dl_reason"] == b"unreadable"]
        assert [(r.key, r.value) for r in unreadable] == [(key, value) for key, value, _ in bad]
        assert unreadable[0].headers[0] == ("x", b"1")
    (guilty,) = [r for r in letters if dict(r.headers)["dl_reason"] == b"fold_failed"]
    assert b"BOOM" in guilty.value
    module, _, line = dict(guilty.headers)["dl_where"].partition(b":")
    assert (module, line.isdigit()) == (b"processors.fold_run", True), "the innermost frame of our own code"
    assert worker.flow()["discarded"] == {"unreadable": 9, "fold_failed": 1}

    assert await world.lost() == []
    known = {friend: state.connections["1"].inbound for friend, state in (await world.states()).items()}
    assert (known[FRIENDS[0]].text, known[FRIENDS[2]].text) == ("after", "hello")
    assert known[FRIENDS[1]].text.startswith("xxx")
