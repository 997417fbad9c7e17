"""The worker process: may it start, start it, tell that it is ready, stop it cleanly.

Law: SIGTERM ends with 0 after the runs in hand; anything unexpected ends with 70 at once, before an acknowledgement.
Faust's own command line, banner and log set-up are not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
from typing import Any

import uvloop

from processors.app import FoldApp, Pages, make_app
from processors.start_guard import allow_start
from processors.web_mount import address
from runtime.logs import logger
from runtime.process import die, run_document_path, until_stopped, write_document
from runtime.refusal import INTERNAL, OK
from runtime.settings import Settings

STOP_SECONDS = 8.0  # a stop that takes longer is a hang; to end without it is safe, as kill -9 is
GC_THRESHOLDS = (50_000, 50, 50)  # most of what a fold makes dies at once: +18 % events/s
ROLE = "fold"
CHATTY = ("faust", "mode", "processors", "abc", "aiokafka")  # services log each step under their module's name


def run(settings: Settings, brokers: str, pages: Pages) -> int:
    """Run the fold until SIGTERM; returns the exit code. Raises Refusal 69 or 78 when it may not start."""
    gc.set_threshold(*GC_THRESHOLDS)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, brokers, pages))


async def _serve(settings: Settings, brokers: str, pages: Pages) -> int:
    stop = await until_stopped()
    _tell(settings, ready=False, url=None)
    partitions = await _unless(stop, allow_start(brokers))
    if partitions is None:
        return OK
    (settings.data_dir / "fold").mkdir(parents=True, exist_ok=True)
    app = make_app(settings, brokers, pages, partitions=partitions)

    async def tell_ready() -> None:
        _tell(settings, ready=True, url=address(app))
        recovery: Any = app.tables.recovery  # type: ignore[attr-defined]  # a BulkRecovery: the table manager is ours
        logger(ROLE).info(
            "ready: %d partitions; %d rows read in %.1f s",
            len(app.owned_partitions()), recovery.bulk_records, recovery.bulk_seconds,
        )  # fmt: skip

    app.recovered.append(tell_ready)
    starting = asyncio.ensure_future(app.start())
    await _first(stop.wait(), _ended(app, starting))
    if not stop.is_set():
        die(INTERNAL, f"the worker ended by itself: {_reason(app, starting)!r}")
    await _stop(app, starting)
    _tell(settings, ready=False, url=None)
    return OK


async def _ended(app: FoldApp, starting: asyncio.Future[None]) -> None:
    """Returns when the app fails to start, crashes, or stops."""
    await asyncio.wait([starting])
    if not starting.cancelled() and starting.exception() is None:
        await app.wait_until_stopped()


async def _stop(app: FoldApp, starting: asyncio.Future[None]) -> None:
    try:
        await asyncio.wait_for(app.stop(), STOP_SECONDS)
    except TimeoutError:
        die(OK, f"did not stop within {STOP_SECONDS:.0f} s and is ended; nothing is lost")
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await starting


def _reason(app: FoldApp, starting: asyncio.Future[None]) -> BaseException | None:
    if starting.done() and not starting.cancelled() and starting.exception() is not None:
        return starting.exception()
    reason: BaseException | None = app.crash_reason
    return reason


def _tell(settings: Settings, *, ready: bool, url: str | None) -> None:
    document: dict[str, Any] = {"role": ROLE, "pid": os.getpid(), "ready": ready}
    write_document(run_document_path(settings, ROLE), document | ({"url": url} if url else {}))


async def _unless(stop: asyncio.Event, work: Any) -> Any:
    """The work's result, or None when the stop came first."""
    task = asyncio.ensure_future(work)
    await _first(stop.wait(), asyncio.wait([task]))
    if task.done():
        return task.result()
    task.cancel()
    return None


async def _first(*coroutines: Any) -> None:
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
