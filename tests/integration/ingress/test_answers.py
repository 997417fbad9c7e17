"""What LINE is answered, over real HTTP; what is appended is kept in a list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ingress.append import Unavailable
from ingress.reception import Limits
from ingress.room import NoRoom, Room

BOT = "U11111111111111111111111111111111"
Body = Callable[..., bytes]


async def test_a_signed_webhook_is_appended_and_answered_200(start_ingress: Any, kept: Any, body_of: Body) -> None:
    ingress = await start_ingress(kept)
    assert (await ingress.post(body_of("U1", "U2"))).status == 200
    assert [record.key for record in kept.records] == [b"U1", b"U2"]


async def test_the_secret_before_still_counts(start_ingress: Any, kept: Any, body_of: Body) -> None:
    ingress = await start_ingress(kept)
    assert (await ingress.post(body_of("U1"), secret=b"the secret before")).status == 200


@pytest.mark.parametrize("trick", [{"signed": False}, {"secret": b"forged"}, {"signature": ""}, {"signature": "ä"}])
async def test_without_a_genuine_signature_nothing_is_stored(
    start_ingress: Any, kept: Any, body_of: Body, trick: dict[str, Any]
) -> None:
    ingress = await start_ingress(kept)
    assert (await ingress.post(body_of("U1"), **trick)).status == 401
    assert kept.records == []


@pytest.mark.parametrize("number", ["2", "0", "01", "x", "-1", "1234567890", "\uff11"])
async def test_an_unknown_connection_is_404(start_ingress: Any, kept: Any, body_of: Body, number: str) -> None:
    ingress = await start_ingress(kept)
    assert (await ingress.post(body_of("U1"), number=number)).status == 404
    assert kept.records == []


async def test_a_body_over_the_cap_is_413_and_one_at_the_cap_is_not(start_ingress: Any, kept: Any) -> None:
    ingress = await start_ingress(kept)
    cap = 2 * 1024 * 1024
    assert (await ingress.post(b"x" * (cap + 1))).status == 413
    assert kept.records == []
    assert (await ingress.post(b'{"events":[]}'.ljust(cap))).status == 200


@pytest.mark.parametrize(("size", "status"), [(2 * 1024 * 1024 + 1, 413), (100_000, 200)])
async def test_a_chunked_body_has_the_same_cap(start_ingress: Any, kept: Any, size: int, status: int) -> None:
    ingress = await start_ingress(kept)
    body = b'{"events":[]}'.ljust(size)
    assert await ingress.post_chunks(body) == status
    assert kept.records == []


async def test_a_connectivity_check_is_200(start_ingress: Any, kept: Any, body_of: Body) -> None:
    ingress = await start_ingress(kept)
    assert (await ingress.post(body_of())).status == 200
    assert kept.records == []


@pytest.mark.parametrize(
    "body", [b"hello", b'{"destination":"Uother","events":[{"type":"follow"}]}', b'{"events":[7]}']
)
async def test_what_can_never_be_an_event_is_a_dead_letter_with_200(start_ingress: Any, kept: Any, body: bytes) -> None:
    ingress = await start_ingress(kept)
    assert (await ingress.post(body)).status == 200
    assert [record.topic for record in kept.records] == ["dead.letters.v1"]


async def test_other_methods_are_refused(start_ingress: Any, kept: Any) -> None:
    ingress = await start_ingress(kept)
    assert (await ingress.get("/line/1"))[0] == 405


@pytest.mark.parametrize("fault", [Unavailable("KafkaTimeoutError"), NoRoom()])
async def test_what_cannot_be_appended_is_503_with_retry_after(
    start_ingress: Any, kept: Any, body_of: Body, fault: Exception
) -> None:
    kept.fault = fault
    ingress = await start_ingress(kept)
    response = await ingress.post(body_of("U1"))
    assert (response.status, response.headers["Retry-After"]) == (503, "1")


async def test_the_deadline_answers_503_while_the_acknowledgement_is_missing(
    start_ingress: Any, kept: Any, body_of: Body
) -> None:
    kept.gate.clear()
    ingress = await start_ingress(kept, limits=Limits(deadline=0.05))
    response = await ingress.post(body_of("U1"))
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert ingress.room.requests == 0


async def test_the_deadline_counts_a_body_that_trickles_in(start_ingress: Any, kept: Any) -> None:
    ingress = await start_ingress(kept, limits=Limits(deadline=0.05))
    host, port = ingress.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /line/1 HTTP/1.1\r\nHost: x\r\nX-Line-Signature: y\r\nContent-Length: 100\r\n\r\n{")
    assert (await reader.readline()).startswith(b"HTTP/1.1 503")
    writer.close()


async def test_beyond_the_bound_of_requests_the_answer_is_503_at_once(
    start_ingress: Any, kept: Any, body_of: Body
) -> None:
    kept.gate.clear()
    ingress = await start_ingress(kept, room=Room(1, 1_000_000), limits=Limits(deadline=600))
    first = asyncio.create_task(ingress.post(body_of("U1")))
    await kept.arrived.wait()
    assert (await ingress.post(body_of("U2"))).status == 503
    kept.gate.set()
    assert (await first).status == 200


async def test_a_body_that_is_cut_short_is_not_stored_and_harms_nobody(
    start_ingress: Any, kept: Any, body_of: Body
) -> None:
    ingress = await start_ingress(kept)
    host, port = ingress.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /line/1 HTTP/1.1\r\nHost: x\r\nX-Line-Signature: y\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    assert (await ingress.post(body_of("U1"))).status == 200
    assert len(kept.records) == 1


async def test_probes_and_counts(start_ingress: Any, kept: Any, body_of: Body) -> None:
    ingress = await start_ingress(kept)
    await ingress.post(body_of("U22222222222222222222222222222222"))
    await ingress.post(b"{}", secret=b"forged")
    assert await ingress.get("/livez") == (200, "ok\n")
    assert await ingress.get("/readyz") == (200, "ready\n")
    status, shown = await ingress.get("/metrics")
    assert status == 200
    for line in ("received_events_total 1.0", "sent_events_total 1.0", 'requests_total{status="401"} 1.0'):
        assert line in shown.splitlines()
    assert "U2222" not in shown
