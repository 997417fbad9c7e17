"""How a role that is one coroutine runs: uvloop, SIGTERM, Kafka awaited.

Law: a role starts only when Kafka answers, within a bounded wait, and ends with 0 when it was asked to.
"""

import asyncio
from collections.abc import Awaitable, Callable

import uvloop

from runtime.brokers import resolve, wait_until_reachable
from runtime.process import until_stopped
from runtime.refusal import OK
from runtime.settings import Settings

Role = Callable[[Settings, str, asyncio.Event], Awaitable[None]]


def run_role(settings: Settings, role: Role) -> int:
    """Run `role(settings, brokers, stop)` until it ends; the exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, role))


async def _run(settings: Settings, role: Role) -> int:
    stop = await until_stopped()
    brokers = resolve(settings)
    await wait_until_reachable(brokers)
    await role(settings, brokers, stop)
    return OK
