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


async def test_what_cannot_be_read_is_kept_byte_for_byte_on_each_source(
    world: Any, start_worker: Any, until: Any
) -> None:
    """Unreadable bytes, a null value, a wrong key: dead letters under their key; the neighbours are folded."""
    bad = [(b"k1", b"\xff\xfe no json", [("x", b"1")]), (b"k2", None, []), (None, b"{}", [])]
    for topic in topics.FOLD_SOURCES:
        await world.appender.append(topic.name, 2, bad)
    await world.tell(*[(friend, "hello") for friend in FRIENDS])
    worker = start_worker()
    await until(worker.ready)
    await until_folded(world, worker, until)
    letters = await world.dead_letters()
    assert {letter.partition for letter in letters} == {2}
    for topic in topics.FOLD_SOURCES:
        kept = [r for r in letters if dict(r.headers)["dl_topic"] == topic.name.encode()]
        assert [(r.key, r.value) for r in kept] == [(key, value) for key, value, _ in bad]
        assert kept[0].headers[0] == ("x", b"1")
        assert {dict(r.headers)["dl_reason"] for r in kept} == {b"unreadable"}
    assert await world.lost() == []
    assert worker.flow()["discarded"] == {"unreadable": 9}


async def test_a_planted_exception_in_the_pure_fold_costs_one_record(world: Any, start_worker: Any, until: Any) -> None:
    await world.tell(*[(friend, "hello") for friend in FRIENDS], (FRIENDS[0], "BOOM"), (FRIENDS[0], "after"))
    worker = start_worker("a", "with-bug")
    await until(worker.ready)
    await until_folded(world, worker, until)
    (letter,) = await world.dead_letters()
    headers = dict(letter.headers)
    assert b"BOOM" in letter.value
    assert headers["dl_reason"] == b"fold_failed"
    assert headers["dl_where"].partition(b":")[0] in {b"processors.fold_run", b"__main__"}
    assert await world.lost() == []
    inbound = (await world.states())[FRIENDS[0]].connections["1"].inbound
    assert inbound is not None
    assert inbound.text == "after"


async def test_a_large_record_passes_through(world: Any, start_worker: Any, until: Any) -> None:
    """Larger than a fetch and than a batch, below what the broker takes."""
    await world.tell((FRIENDS[0], "x" * 3_000_000), (FRIENDS[0], "small"))
    worker = start_worker()
    await until(worker.ready)
    await until_folded(world, worker, until)
    assert await world.lost() == []
    assert await world.dead_letters() == []


async def test_pages_answer_and_protect(world: Any, start_worker: Any, until: Any) -> None:
    await world.tell((FRIENDS[0], "<script>alert(1)</script>"))
    worker = start_worker()
    await until(worker.ready)
    await until_folded(world, worker, until)
    why = worker.get(f"/api/v1/friends/{FRIENDS[0]}/why")
    assert [d["decision"] for d in why["decisions"]] == ["changed"]
    assert worker.get("/api/v1/status")["partitions"] == [0, 1, 2, 3]
    assert worker.get("/readyz") == {"ready": True}
