"""The embedded Kafka as a role: owns the node, ends with it.

Law: when the node ends unasked, so does the role, with INTERNAL: whoever supervises it starts both again.
"""

import os
import signal
import threading

from runtime.embedded_kafka import EmbeddedKafka
from runtime.logs import logger
from runtime.process import run_document_path, write_document
from runtime.refusal import INTERNAL, OK
from runtime.settings import Settings


def run(settings: Settings) -> int:
    """Start Kafka, say where it is, and stay until it ends or SIGTERM comes."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    kafka = EmbeddedKafka.of(settings)
    kafka.start()
    document = run_document_path(settings, "broker")
    write_document(document, {"role": "broker", "pid": os.getpid(), "ready": True, "url": kafka.address})
    logger("broker").info("Kafka answers on %s", kafka.address)
    while kafka.poll() is None and not stop.wait(0.5):
        pass
    ended = kafka.poll()
    document.unlink(missing_ok=True)
    kafka.stop()
    if stop.is_set():
        return OK
    logger("broker").error("Kafka ended unasked with %s; see %s", ended, kafka.log)
    return INTERNAL
