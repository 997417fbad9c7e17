"""Where the Kafka of these settings is, and whether it is there.

Law: the address of the embedded Kafka is known only from a document of a process that lives.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from runtime.clock import monotonic
from runtime.process import read_document, run_document_path, up_document_path
from runtime.process_table import is_alive
from runtime.refusal import UNAVAILABLE, Refusal
from runtime.settings import Settings


def resolve(settings: Settings) -> str:
    """`host:port,..` of the brokers; Refusal 69 when the embedded Kafka of this data directory does not run."""
    if not settings.kafka_is_embedded:
        return settings.kafka
    for path, field in ((run_document_path(settings, "broker"), "url"), (up_document_path(settings), "kafka")):
        document = read_document(path)
        if document is not None and _speaks_for_the_living(document) and isinstance(document.get(field), str):
            return str(document[field])
    raise Refusal(
        UNAVAILABLE,
        "kafka_not_running",
        "The embedded Kafka of this data directory is not running.",
        where=str(settings.data_dir),
        next_step="start it with `friendstream up`, or set FRIENDSTREAM_KAFKA or FRIENDSTREAM_DATA_DIR",
    )


async def wait_until_reachable(brokers: str, *, timeout: float = 30.0) -> None:
    """Return as soon as a broker answers; Refusal 69 when none has within `timeout` seconds."""
    began = monotonic()
    while not await _answers(brokers):
        if monotonic() - began > timeout:
            raise Refusal(
                UNAVAILABLE,
                "kafka_unavailable",
                f"Kafka did not answer within {timeout:.0f} s.",
                where=brokers,
                next_step="see that it runs and can be reached from here; FRIENDSTREAM_KAFKA names it",
            )
        await asyncio.sleep(0.2)


async def _answers(brokers: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=brokers, request_timeout_ms=5000)
    try:
        await client.bootstrap()
    except (KafkaError, OSError):
        return False
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await client.close()
    return True


def _speaks_for_the_living(document: dict[str, Any]) -> bool:
    pid = document.get("pid")
    return document.get("ready", True) is True and isinstance(pid, int) and is_alive(pid)
