"""What an appender asks before it hands a batch over, and with which promises it connects."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from runtime import appender as module
from runtime.appender import Appender


class Producer:
    """An aiokafka producer that takes everything; `diary` is shared with the guard."""

    def __init__(self, diary: list[str], **options: Any) -> None:
        self.diary, self.options = diary, options

    async def start(self) -> None:
        self.diary.append("connected")

    def create_batch(self) -> Any:
        return SimpleNamespace(append=lambda **record: True, close=lambda: None)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        self.diary.append("handed over")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.set_result(SimpleNamespace(offset=0))
        return answer


async def test_the_guard_is_asked_before_each_batch_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    diary: list[str] = []
    monkeypatch.setattr(module, "AIOKafkaProducer", lambda **options: Producer(diary, **options))
    appender = Appender("nowhere:1", client_id="t", guard=lambda: diary.append("asked"))
    half = b"x" * (300 * 1024)
    await appender.append("t", 0, [(b"k", half, []), (b"k", half, [])])
    assert diary == ["connected", "asked", "handed over", "asked", "handed over"]


async def test_a_record_counts_as_written_when_all_replicas_have_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Producer] = []

    def make(**options: Any) -> Producer:
        made.append(Producer([], **options))
        return made[-1]

    monkeypatch.setattr(module, "AIOKafkaProducer", make)
    await Appender("nowhere:1", client_id="t").append("t", 0, [(b"k", b"v", [])])
    (producer,) = made
    assert (producer.options["acks"], producer.options["enable_idempotence"]) == ("all", True)
