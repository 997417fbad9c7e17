"""How the worker is doing."""

from __future__ import annotations

import json
from typing import Any


async def test_alive_and_ready_are_two_things(browse: Any, rows: Any) -> None:
    rows.is_ready = False
    client = await browse()
    assert (await client.get("/livez")).status == 200
    answer = await client.get("/readyz")
    assert (answer.status, await answer.json()) == (503, {"ready": False})
    rows.is_ready = True
    assert (await client.get("/readyz")).status == 200


async def test_metrics_are_those_of_the_worker(browse: Any) -> None:
    answer = await (await browse()).get("/metrics")
    assert await answer.read() == b"received_events_total 7.0\n"
    assert answer.content_type == "text/plain"


async def test_the_flow_adds_up(browse: Any) -> None:
    flow = await (await (await browse()).get("/api/v1/flow")).json()
    assert flow["received"] == flow["sent"] + sum(flow["discarded"].values()) + flow["in_flight"]
    assert flow["lag"] == {"line.events.v1": 12}


async def test_status_names_role_and_partitions(browse: Any) -> None:
    status = await (await (await browse()).get("/api/v1/status")).json()
    assert (status["role"], status["ready"], status["partitions"]) == ("fold", True, [1])


async def test_the_page_shows_each_number_where_the_script_finds_it(browse: Any) -> None:
    page = await (await (await browse()).get("/flow")).text()
    for path in ("received", "sent", "lag/line.events.v1", "discarded/unreadable", "uptime_seconds"):
        assert f'data-number="{path}"' in page
    assert ">9.9<" in page


async def test_events_come_until_the_worker_goes(browse: Any) -> None:
    client = await browse()
    stream = await client.get("/flow/events")
    line = await stream.content.readline()
    assert json.loads(line.removeprefix(b"data: "))["received"] == 7
    await client.server.runner.shutdown()  # what SIGTERM does first: an open stream must not hold the worker
    rest = await stream.content.read()
    assert b"\n" in rest


async def test_static_files_have_their_types(browse: Any) -> None:
    client = await browse()
    assert (await client.get("/static/pages.css")).content_type == "text/css"
    assert (await client.get("/static/flow.js")).content_type == "text/javascript"
