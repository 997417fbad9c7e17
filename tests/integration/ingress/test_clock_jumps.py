"""Our wall clock jumps by an hour, either way: webhooks are answered and kept as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemas.events import read_event_record

HOUR_MS = 3_600_000
NOW = 1_760_922_682_500


@pytest.mark.parametrize("jump", [HOUR_MS, -HOUR_MS])
async def test_a_clock_that_jumps_an_hour_changes_nothing_but_the_time_of_receipt(
    start_ingress: Any, kept: Any, body_of: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    times = iter([NOW, NOW + jump, NOW + 1])
    monkeypatch.setattr("ingress.reception.now_ms", lambda: next(times))
    ingress = await start_ingress(kept)
    for number in range(3):
        assert (await ingress.post(body_of(f"U{number}"))).status == 200
    found = [read_event_record(record.value) for record in kept.records]
    assert [record.received_at for record in found] == [NOW, NOW + jump, NOW + 1]
    assert {record.event["timestamp"] for record in found} == {1760922682123}
