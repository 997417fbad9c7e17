"""`demo`: the world in a box, its story, its scoreboard, and what to type next.

Law: it ends with 0 only on a scoreboard without loss or difference, and leaves no process behind however it ends.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from cli.demo_world.failure import NotSeenError
from cli.demo_world.next_steps import print_next, what_to_type, write_environment
from cli.demo_world.scoreboard import Scoreboard, print_scoreboard
from cli.demo_world.steps import Steps
from cli.demo_world.story import Story
from cli.demo_world.world import World
from cli.output import json_option, print_json, talk_console
from runtime.process import until_stopped
from runtime.refusal import NO, OK, USAGE, Refusal

BANNER = (
    "LINE and HubSpot are [bold]simulated[/] here: HTTP servers on this machine that behave as documented.\n"
    "Kafka is [bold]real[/], and so is everything between: nothing of friendstream knows that this is a demo."
)


@click.command("demo")
@click.option("--headless", is_flag=True, help="Stop after the scoreboard; also when there is no terminal to wait at.")
@click.option("--friends", type=click.IntRange(2, 5000), default=200, show_default=True, help="How many people follow.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed lives the same story.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="An empty directory to keep everything in.")
@click.option("--keep", is_flag=True, help="Keep the data directory at the end.")
@json_option
def command(headless: bool, friends: int, seed: int, data_dir: Path | None, keep: bool, as_json: bool) -> None:
    """Watch LINE friends become true HubSpot contacts, through a storm and a kill -9, in under a minute."""
    home = _home(data_dir)
    stay = not headless and sys.stdin.isatty()
    demo = _Demo(home, friends=friends, seed=seed, stay=stay, as_json=as_json)
    code = asyncio.run(demo.run())
    if keep or data_dir is not None or (code != OK and not demo.interrupted):
        talk_console().print(f"Everything is kept in {home}; the logs are in {home / 'up.log'}", highlight=False)
    else:
        shutil.rmtree(home, ignore_errors=True)
    raise SystemExit(code)


class _Demo:
    def __init__(self, home: Path, *, friends: int, seed: int, stay: bool, as_json: bool) -> None:
        self._home = home
        self._friends = friends
        self._seed = seed
        self._stay = stay
        self._as_json = as_json
        self._console: Console = talk_console()
        self.interrupted = False

    async def run(self) -> int:
        """Live the story until its end, or until Ctrl-C; returns the exit code."""
        stop = await until_stopped()
        self._console.print(Panel(BANNER, title="friendstream demo", title_align="left", border_style="cyan"))
        steps = Steps(self._console)
        try:
            async with World(self._home, seed=self._seed) as world:
                story = Story(world, steps, friends=self._friends, seed=self._seed)
                board = await _unless(stop, story.live)
                if board is None:
                    self._console.print("Stopping.")
                    self.interrupted = True
                    return NO
                await self._end(world, story, board, stop)
        except NotSeenError as failure:
            self._tell(failure, steps)
            return NO
        return OK if board.ok else NO

    async def _end(self, world: World, story: Story, board: Scoreboard, stop: asyncio.Event) -> None:
        print_scoreboard(board, self._console)
        if self._as_json:
            print_json(board.document())
        if not self._stay:
            print_next(what_to_type(None, story.mari, world.up.ready), self._console)
            return
        environment = write_environment(self._home / "demo.env", world.settings)
        print_next(what_to_type(environment, story.mari, world.up.ready), self._console)
        with self._console.status("This world lives until Ctrl-C; type in another terminal."):
            await stop.wait()

    def _tell(self, failure: NotSeenError, steps: Steps) -> None:
        self._console.print(f"[red]expected[/] {escape(failure.expected)}", highlight=False)
        self._console.print(f"[red]seen[/]     {escape(failure.seen)}", highlight=False)
        where = failure.where or str(self._home / "up.log")
        self._console.print(f"[red]logs[/]     {escape(where)}", highlight=False)
        if self._as_json:
            failed = {"expected": failure.expected, "seen": failure.seen, "logs": where}
            print_json({"ok": False, "failed": failed, "steps": [taken.step for taken in steps.taken]})


async def _unless(stop: asyncio.Event, live: Callable[[], Awaitable[Scoreboard]]) -> Scoreboard | None:
    """The scoreboard, or None when the stop came first; the story has ended either way."""
    living = asyncio.ensure_future(live())
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([living, stopped], return_when=asyncio.FIRST_COMPLETED)
        return living.result() if living.done() else None
    finally:
        for task in (living, stopped):
            task.cancel()
        await asyncio.gather(living, stopped, return_exceptions=True)


def _home(data_dir: Path | None) -> Path:
    if data_dir is None:
        return Path(tempfile.mkdtemp(prefix="friendstream-demo-"))
    if data_dir.exists() and any(data_dir.iterdir()):
        raise Refusal(
            USAGE, "data_dir_not_empty", "The demo begins with an empty directory.", where=str(data_dir),
            next_step="name another one, or leave --data-dir away",
        )  # fmt: skip
    data_dir.mkdir(parents=True, exist_ok=True)
    return data_dir.resolve()
