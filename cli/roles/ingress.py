"""The ingress as a process: the one role that starts without Kafka, and waits for it while it works."""

import asyncio

import uvloop

from ingress.run import run as serve
from runtime.brokers import resolve
from runtime.process import until_stopped
from runtime.refusal import OK
from runtime.settings import Settings


def run(settings: Settings) -> int:
    """Receive webhooks until SIGTERM."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings))


async def _run(settings: Settings) -> int:
    stop = await until_stopped()
    await serve(settings, lambda: resolve(settings), stop)
    return OK
