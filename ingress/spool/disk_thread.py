"""One thread for everything that waits for the disk.

Law: jobs run one after the other, in the order they were given; the event loop never waits for the disk, and a disk
that hangs keeps neither an answer nor the end of the process back.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

R = TypeVar("R")
_Job = tuple[Callable[[], Any], asyncio.Future[Any]]


class DiskThread:
    """Runs blocking calls for one event loop."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="disk", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin; in the loop that will ask."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def run(self, job: Callable[[], R]) -> R:
        """What the job returned or raised. A caller who gives up takes it not back."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._jobs.put((job, done))
        return await done

    async def stop(self, timeout: float) -> None:
        """Return when every job is done, at most after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.run(lambda: None)
        self._jobs.put(None)

    def _work(self) -> None:
        assert self._loop is not None
        while (job := self._jobs.get()) is not None:
            call, done = job
            try:
                result, trouble = call(), None
            except Exception as raised:
                result, trouble = None, raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_tell, done, result, trouble)


def _tell(done: asyncio.Future[Any], result: Any, trouble: Exception | None) -> None:
    if done.done():
        return
    if trouble is None:
        done.set_result(result)
    else:
        done.set_exception(trouble)
