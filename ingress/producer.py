"""The idempotent producer of the ingress, replaced when it breaks.

Law: after a batch that Kafka refused, the sequence numbers of an idempotent producer have a gap and the broker takes
nothing more of it; so the first refusal ends a producer, and a new one takes over in the background.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from runtime.appender import LARGEST_RECORD
from runtime.logs import logger
from runtime.refusal import Refusal

_BATCH_BYTES = 1024 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_STOP_SECONDS = 5.0


class Unavailable(Exception):
    """Kafka did not take it; `str()` is the name of the trouble, never content."""


class Producer:
    """One idempotent aiokafka producer with acks=all at a time.

    `brokers` is asked before every connection where it is a function; a Refusal of it counts as Kafka away.
    """

    def __init__(self, brokers: str | Callable[[], str], *, client_id: str, request_timeout: float = 30.0) -> None:
        self._brokers = brokers
        self._client_id = client_id
        self._request_timeout = request_timeout
        self._current: Any = None
        self._replacing: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether there is a producer that has not broken."""
        return self._current is not None

    async def start(self) -> None:
        """Connect; raises aiokafka's errors when Kafka is away."""
        self._current = await self._connected()

    def start_in_background(self) -> None:
        """Connect as soon as Kafka is there."""
        self._replacing = asyncio.get_running_loop().create_task(self._take_over(None))

    async def until_ready(self, timeout: float) -> None:
        """Return when it is connected, at most after `timeout` seconds."""
        if self._replacing is not None:
            await asyncio.wait([self._replacing], timeout=timeout)

    def new_batch(self) -> Any:
        """An empty batch; raises Unavailable while a broken producer is being replaced."""
        if self._current is None:
            raise Unavailable("ProducerReplaced")
        return self._current.create_batch()

    async def send(self, batch: Any, topic: str, partition: int) -> None:
        """Hand over a closed batch and wait for its acknowledgement; raises what refused it."""
        producer = self._current
        if producer is None:
            raise Unavailable("ProducerReplaced")
        try:
            await (await producer.send_batch(batch, topic, partition=partition))
        except Exception:
            self._replace(producer)
            raise

    async def stop(self, timeout: float = _STOP_SECONDS) -> None:
        """Disconnect; what is still in flight after `timeout` seconds is given up."""
        if self._replacing is not None:
            self._replacing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._replacing
        producer, self._current = self._current, None
        if producer is not None:
            await _stopped(producer, timeout)

    def _replace(self, broken: Any) -> None:
        if broken is not self._current:
            return
        self._current = None
        self._replacing = asyncio.get_running_loop().create_task(self._take_over(broken))

    async def _take_over(self, broken: Any) -> None:
        if broken is not None:
            await _stopped(broken, _STOP_SECONDS)
        pause = _FIRST_PAUSE
        while True:
            try:
                self._current = await self._connected()
                return
            except (KafkaError, OSError, Refusal):
                pass  # away, or not started yet
            except Exception as trouble:  # whatever it is, the way back to Kafka must not end with it
                logger(__name__).error("no connection to Kafka can be made: %s", type(trouble).__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _connected(self) -> Any:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers if isinstance(self._brokers, str) else self._brokers(),
            client_id=self._client_id,
            enable_idempotence=True,
            acks="all",
            max_batch_size=_BATCH_BYTES,  # a larger record gets a batch of its own
            max_request_size=2 * LARGEST_RECORD,
            request_timeout_ms=int(self._request_timeout * 1000),
        )
        try:
            await producer.start()
        except BaseException:
            await _stopped(producer, _STOP_SECONDS)
            raise
        return producer


async def _stopped(producer: Any, timeout: float) -> None:
    """Stop it; one that cannot get rid of its batches in time is broken off, and they fail."""
    with contextlib.suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(timeout):
            await producer.stop()
            return
    producer._message_accumulator.fail_all(Unavailable("ProducerReplaced"))  # noqa: SLF001  else they wait for ever
    sender = producer._sender.sender_task  # noqa: SLF001  aiokafka's stop() gives it up only when all is sent
    if sender is not None:
        sender.cancel()
    with contextlib.suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(timeout):
            await producer.client.close()
