"""The story's steps on the screen: what is going on, then a check mark, what came of it and how long it took."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from runtime.clock import monotonic


class StepTaken(msgspec.Struct, frozen=True):
    """One step of the record."""

    step: str
    seen: str
    seconds: float


class Step:
    """A step that is being taken; `note` says what came of it, `doing` what goes on."""

    def __init__(self, title: str, progress: "Steps") -> None:
        self.title = title
        self.seen = ""
        self._progress = progress

    def note(self, seen: str) -> None:
        """Say what was seen; it stands below the check mark."""
        self.seen = seen

    def doing(self, what: str) -> None:
        """Say what the person waits for now."""
        self._progress.show(f"{self.title} · {what}")


class Steps:
    """Prints steps on `console` and keeps them in `taken`."""

    def __init__(self, console: Console) -> None:
        self.taken: list[StepTaken] = []
        self._console = console
        self._status = console.status("")

    def show(self, sentence: str) -> None:
        """Replace the sentence of the step that is being taken."""
        self._status.update(escape(sentence))

    def say(self, sentence: str) -> None:
        """Print a sentence that belongs to the step before."""
        self._console.print(Padding(Text(sentence, style="dim"), (0, 0, 0, 4)))

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Take one step; an exception marks it as failed and goes on."""
        began, step = monotonic(), Step(title, self)
        self.show(title)
        self._status.start()
        try:
            yield step
        except BaseException:
            self._status.stop()
            self._console.print(f"[red]✗[/] {escape(title)}", highlight=False)
            raise
        self._status.stop()
        seconds = monotonic() - began
        self.taken.append(StepTaken(title, step.seen, round(seconds, 2)))
        self._console.print(f"[green]✓[/] {escape(title)} [dim]{seconds:.1f} s[/]", highlight=False)
        if step.seen:
            self.say(step.seen)
