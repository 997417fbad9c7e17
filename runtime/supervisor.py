"""One tree of processes for `up`.

Law: a child runs from when those it waits for were ready until the end of the tree, however often it has to be started
again; an exit nobody asked for is a failure, whatever its code. Children never outlive this process: the kernel kills
them with it (Linux). A code that no restart can heal, 78 first of all, ends the tree with that code.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.clock import monotonic
from runtime.logs import logger
from runtime.process import read_document
from runtime.process_table import dying_with_parent
from runtime.refusal import MISCONFIGURED, OK

_LOG = logger(__name__)
_READY_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long to wait before the next start: doubled from `first` to `longest`, `first` again after `calm` seconds."""

    first: float = 0.2
    longest: float = 10.0
    calm: float = 30.0

    def after(self, previous: float, lived: float) -> float:
        return self.first if not previous or lived >= self.calm else min(previous * 2, self.longest)


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One child: how it is started, when it counts as ready, whom it waits for.

    `ready` is asked with the child's process id. `prepare` runs once before the first start; a Refusal it raises ends
    the tree. `fatal` codes end the tree with that code, `fatal_at_first` only while the child was never ready.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    ready: Callable[[int], bool]
    after: tuple[str, ...] = ()
    prepare: Callable[[], Awaitable[None]] | None = None
    fatal: frozenset[int] = frozenset({MISCONFIGURED})
    fatal_at_first: frozenset[int] = frozenset()
    stop_seconds: float = 20.0


def document_says_ready(path: Path) -> Callable[[int], bool]:
    """Ready once the role's document names this very process and says so."""

    def ready(pid: int) -> bool:
        document = read_document(path) or {}
        return document.get("pid") == pid and document.get("ready") is True

    return ready


@dataclass(slots=True, eq=False)
class _Child:
    spec: ChildSpec
    process: Process | None = None
    is_ready: bool = False
    was_ready: asyncio.Event = field(default_factory=asyncio.Event)
    starts: int = 0


class Supervisor:
    """Keeps the children running until `stop` is set or one ends fatally; list them in the order of their start."""

    def __init__(self, children: Sequence[ChildSpec], *, back_off: BackOff | None = None) -> None:
        self._children = {spec.name: _Child(spec) for spec in children}
        self._back_off = back_off or BackOff()
        self._announced = False
        self._fatal: asyncio.Future[int] | None = None
        for position, spec in enumerate(children):
            earlier = {other.name for other in children[:position]}
            if not set(spec.after) <= earlier:
                raise ValueError(f"{spec.name} waits for a child that does not come before it")

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the children that run now."""
        return {name: c.process.pid for name, c in self._children.items() if c.process and c.process.returncode is None}

    async def run(self, stop: asyncio.Event, *, on_ready: Callable[[], None] = lambda: None) -> int:
        """0 after `stop`, else the fatal code; everything has ended then. `on_ready`: once, when all are ready.

        Run it in the main thread. Raises what a `prepare` or `on_ready` raised, after everything has ended.
        """
        self._fatal = asyncio.get_running_loop().create_future()
        stopped = asyncio.create_task(stop.wait())
        keepers = [asyncio.create_task(self._keep(child, on_ready)) for child in self._children.values()]
        endings: list[asyncio.Future[Any]] = [stopped, self._fatal, *keepers]
        try:
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            for keeper in keepers:
                if keeper.done():
                    keeper.result()  # a keeper ends by itself only when it raised
            return self._fatal.result() if self._fatal.done() else OK
        finally:
            for task in (stopped, *keepers):
                task.cancel()
            await asyncio.gather(stopped, *keepers, return_exceptions=True)
            await self._stop_all()

    async def _keep(self, child: _Child, on_ready: Callable[[], None]) -> None:
        spec, pause = child.spec, 0.0
        for name in spec.after:
            await self._children[name].was_ready.wait()
        if spec.prepare is not None:
            await spec.prepare()
        while True:
            began = monotonic()
            code = await self._run_once(child, on_ready)
            if code in spec.fatal or (code in spec.fatal_at_first and not child.was_ready.is_set()):
                self._end_with(code, spec.name)
                await asyncio.Event().wait()  # until cancelled
            pause = self._back_off.after(pause, monotonic() - began)
            _LOG.warning("%s ended unasked (%s); it starts again in %.1f s", spec.name, described(code), pause)
            await asyncio.sleep(pause)

    async def _run_once(self, child: _Child, on_ready: Callable[[], None]) -> int:
        child.starts += 1
        child.process = process = await asyncio.create_subprocess_exec(
            *child.spec.argv,
            env=dict(child.spec.env),
            stdin=asyncio.subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for this process, which stops the children in order
            preexec_fn=dying_with_parent(signal.SIGKILL),
        )
        ended = asyncio.create_task(process.wait())
        try:
            while not ended.done() and not child.is_ready:
                if child.spec.ready(process.pid):
                    self._became_ready(child, on_ready)
                    break
                await asyncio.wait([ended], timeout=_READY_POLL_SECONDS)
            return await asyncio.shield(ended)
        finally:
            child.is_ready = False
            ended.cancel()

    def _became_ready(self, child: _Child, on_ready: Callable[[], None]) -> None:
        child.is_ready = True
        child.was_ready.set()
        _LOG.info("%s is ready", child.spec.name)
        if not self._announced and all(other.is_ready for other in self._children.values()):
            self._announced = True
            on_ready()

    def _end_with(self, code: int, name: str) -> None:
        _LOG.error("%s ended with %s, which no restart can heal: stopping everything", name, described(code))
        if self._fatal is not None and not self._fatal.done():
            self._fatal.set_result(code)

    async def _stop_all(self) -> None:
        """Those that wait for others first, and whoever they wait for only when they have ended."""
        left = dict(self._children)
        while left:
            needed = {name for child in left.values() for name in child.spec.after}
            last = [child for name, child in left.items() if name not in needed]
            await asyncio.gather(*[_stop(child) for child in last])
            for child in last:
                del left[child.spec.name]


async def _stop(child: _Child) -> None:
    process = child.process
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), child.spec.stop_seconds)
    except TimeoutError:
        _LOG.warning("%s did not stop within %.0f s; it is killed", child.spec.name, child.spec.stop_seconds)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def described(code: int) -> str:
    """`exit code 70`, or `SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
