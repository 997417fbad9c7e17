"""`status`: how things stand, and `--wait idle`.

Law: idle is two equal readings 300 ms apart, so that nothing that is between two topics is overlooked.
"""

import asyncio

import click
import msgspec

from cli.output import json_option, print_json, print_table, talk_console
from cli.standing import Standing, StandingReader
from runtime.brokers import resolve
from runtime.clock import monotonic
from runtime.refusal import NO, TIMED_OUT
from runtime.settings import Settings

APART_SECONDS = 0.3


@click.command("status")
@click.option("--wait", type=click.Choice(["idle", "ready"]), help="Wait until that is so.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds to wait at most; then exit 6.")
@json_option
def command(wait: str | None, timeout: float, as_json: bool) -> None:
    """Ready, lag per group, outstanding, blocked, parked, dead letters, spool bytes."""
    settings = Settings.load()
    standing, reached = asyncio.run(observe(settings, wait, timeout, quiet=as_json))
    if as_json:
        print_json({**msgspec.to_builtins(standing), "waited_for": wait, "reached": reached})
    else:
        show(standing)
    if not reached:
        raise SystemExit(TIMED_OUT)
    if wait is None and not standing.ready:
        raise SystemExit(NO)


async def observe(
    settings: Settings, wait: str | None, timeout: float, *, quiet: bool = False
) -> tuple[Standing, bool]:
    """Read once, or until `wait` is reached or `timeout` seconds are over; says whether it was reached."""
    deadline = monotonic() + timeout
    with talk_console().status("reading how things stand") as progress:
        if quiet:
            progress.stop()
        async with StandingReader(settings, resolve(settings)) as reader:
            before: Standing | None = None
            while True:
                standing = await reader.read()
                progress.update(_sentence(standing))
                if wait is None or (wait == "ready" and standing.ready):
                    return standing, True
                if wait == "idle" and standing.idle and before is not None and standing.ends == before.ends:
                    return standing, True
                if monotonic() > deadline:
                    return standing, False
                before = standing if standing.idle else None
                await asyncio.sleep(APART_SECONDS)


def _sentence(standing: Standing) -> str:
    lag = ", ".join(f"{group.removeprefix('friendstream-')} {behind}" for group, behind in standing.lag.items())
    waiting = [f"{name} waits for {role.waiting_for}" for name, role in standing.roles.items() if role.waiting_for]
    return " · ".join([f"behind: {lag}", f"outstanding: {standing.outstanding}", *waiting])


def show(standing: Standing) -> None:
    """The reading for a person."""
    facts = [
        ("ready", "yes" if standing.ready else "no"),
        ("idle", "yes" if standing.idle else "no"),
        *[(f"lag {group}", behind) for group, behind in standing.lag.items()],
        ("friends", standing.friends),
        ("outstanding", standing.outstanding),
        ("to be rewritten", standing.rewrite),
        ("blocked", standing.blocked),
        ("parked", standing.parked),
        ("dead letters", standing.dead_letters),
        ("spool bytes", standing.spool_bytes),
    ]
    print_table(("", ""), facts)
    print_table(
        ("role", "ready", "pid", "where", "waits for"),
        [
            (name, "yes" if role.ready else "no", role.pid, role.url or "", role.waiting_for or "")
            for name, role in standing.roles.items()
        ],
    )
