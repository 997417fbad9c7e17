"""An event loop whose time jumps, and processes in it that can be killed and frozen between any two steps.

Law: everything follows from the seed. The callbacks of one process keep their order, those of different processes are
interleaved by chance; time passes only when nobody has anything left to do. A killed process runs no `finally`.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from random import Random
from typing import Any

START_MS = 1_763_784_000_000
MOST_STEPS = 200_000  # within a minute; a process that only waits takes some thousand
_STEP = 0.000_002  # what a callback takes
_SWITCH = 0.3  # how often another process than the next one in line goes on


class Busy(Exception):
    """Callbacks follow each other, and nothing comes of it."""


class Process:
    """One operating-system process: its callbacks run only while it lives and is not frozen."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self.skew_ms = 0
        self.steps_left: int | None = None
        self.kept: list[Any] = []
        self.when_out_of_steps: Callable[[], None] = lambda: None


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs until what it was asked for is done; waiting costs nothing."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.passed = 0.0
        self.steps = 0
        self._minute = (0.0, 0)  # when it began, and how many steps had been taken
        self.ending = False
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        """Seconds since the beginning of this world."""
        return self.passed

    def spawn(self, process: Process | None, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine as a part of a process, None = of the world."""
        context = copy_context()
        context.run(PROCESS.set, process)
        return self.create_task(work, context=context)

    def outside(self, seconds: float, act: Callable[..., Any], *given: Any) -> asyncio.TimerHandle:
        """Do something later that no death of a process can prevent."""
        context = copy_context()
        context.run(PROCESS.set, None)
        return self.call_later(seconds, act, *given, context=context)

    def freeze(self, process: Process) -> None:
        """SIGSTOP."""
        process.frozen = True

    def thaw(self, process: Process) -> None:
        """SIGCONT: what was due meanwhile runs now."""
        process.frozen = False
        if process.alive:
            kept, process.kept = process.kept, []
            self._ready.extend(kept)  # type: ignore[attr-defined]  # asyncio's own queue

    def end(self, processes: list[Process]) -> None:
        """Let every coroutine that is left end, so that nothing of this world lives on."""
        self.ending = True
        for process in processes:
            process.alive, process.frozen = True, False
            self._ready.extend(process.kept)  # type: ignore[attr-defined]
        for _ in range(20):
            tasks = asyncio.all_tasks(self)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                self.run_until_complete(asyncio.wait(tasks, timeout=600))
        self.close()

    def _run_once(self) -> None:
        """One callback."""
        timers: list[Any] = self._scheduled  # type: ignore[attr-defined]
        ready: Any = self._ready  # type: ignore[attr-defined]
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not ready:
            if not timers:
                raise RuntimeError("nothing will ever happen again")
            self.passed = max(self.passed, timers[0]._when)
        while timers and timers[0]._when <= self.passed:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            if not handle._cancelled:
                ready.append(handle)
        if ready:
            self._step(ready)

    def _step(self, ready: Any) -> None:
        place = 0
        process = ready[0]._context.get(PROCESS)
        if len(ready) > 1 and self.random.random() < _SWITCH:
            process = ready[self.random.randrange(len(ready))]._context.get(PROCESS)
            place = next(i for i, one in enumerate(ready) if one._context.get(PROCESS) is process)
        handle = ready[place]
        del ready[place]
        if handle._cancelled:
            return
        if process is not None and not self.ending:
            if process.frozen or not process.alive:
                process.kept.append(handle)
                return
            if process.steps_left is not None:
                process.steps_left -= 1
                if process.steps_left <= 0:
                    process.steps_left = None
                    process.kept.append(handle)
                    process.when_out_of_steps()
                    return
        self.steps += 1
        self.passed += _STEP
        if self.passed > self._minute[0] + 60:
            self._minute = (self.passed, self.steps)
        if self.steps > self._minute[1] + MOST_STEPS and not self.ending:
            raise Busy(f"{process.name if process else 'the world'} is busy without end: {handle!r}")
        handle._run()

    def _write_to_self(self) -> None:
        """There is only one thread."""

    def _process_events(self, event_list: Any) -> None:
        """There are no sockets."""


class VirtualClock:
    """Stands for the modules `time` and `random` in `runtime.clock`."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now_ms(self) -> int:
        """The true time."""
        return START_MS + round(self._loop.time() * 1000)

    def monotonic(self) -> float:
        """Seconds that pass in every process alike."""
        return self._loop.time()

    def time_ns(self) -> int:
        """The clock of the asking process, which may be wrong."""
        process = PROCESS.get()
        return (self.now_ms() + (process.skew_ms if process is not None else 0)) * 1_000_000

    def Random(self) -> Random:  # noqa: N802  the name of the module's class
        """A source that follows from the seed."""
        return Random(self._loop.random.getrandbits(64))
