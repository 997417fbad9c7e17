"""A step that does not see what it must says what it expected, what it saw and where to look."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from cli.demo_world.failure import NotSeenError, tail, until
from cli.demo_world.steps import Steps


async def test_waiting_in_vain_says_what_was_seen(tmp_path: Path) -> None:
    with pytest.raises(NotSeenError) as failed:
        await until(lambda: False, expected="a contact", seen=lambda: "none", where=tmp_path, timeout=0)
    assert str(failed.value) == f"expected a contact within 0 s; seen none (logs: {tmp_path})"


async def test_waiting_ends_as_soon_as_it_happened() -> None:
    looks = iter([False, True])
    await until(lambda: next(looks), expected="it", seen=lambda: "nothing")


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    assert tail(log) == "no log was written"
    log.write_text("")
    assert tail(log) == "an empty log"
    log.write_text("\n".join(str(number) for number in range(20)))
    assert tail(log, 2) == "18\n19"


def test_steps_are_ticked_off_and_kept() -> None:
    """A step that fails is marked and the failure goes on; its title may hold brackets."""
    page = io.StringIO()
    steps = Steps(Console(file=page, width=100))
    with steps.step("Mari writes [hello]") as step:
        step.doing("waiting")
        step.note("Unanswered is Yes")
    with pytest.raises(NotSeenError), steps.step("Mari blocks"):
        raise NotSeenError("Follow No", "Yes")
    assert [(taken.step, taken.seen) for taken in steps.taken] == [("Mari writes [hello]", "Unanswered is Yes")]
    assert "✓ Mari writes [hello]" in page.getvalue()
    assert "Unanswered is Yes" in page.getvalue()
    assert "✗ Mari blocks" in page.getvalue()
