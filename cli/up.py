"""`up`: everything on this machine in one supervised tree.

Law: one `up` per DATA_DIR; a role that ends is started again, on the same address, however it ended; what no restart
can heal ends everything with its code. The ready document is written when every role is ready, and not before.
"""

import asyncio
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import click

from cli.ground import Ground
from cli.output import console, json_option, print_line, talk
from cli.roles import RoleName
from cli.version import program_version
from runtime.brokers import resolve
from runtime.logs import configure, logger
from runtime.ports import free_port, is_free, port_taken
from runtime.process import read_document, run_document_path, until_stopped, up_document_path, write_document
from runtime.refusal import REFUSED, UNAVAILABLE, USAGE, Refusal
from runtime.settings import Bind, Settings, SettingsWrong, environment
from runtime.supervisor import ChildSpec, Supervisor, document_says_ready

KAFKA_NEVER_CAME = frozenset({REFUSED, UNAVAILABLE})


@click.command("up")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Written when everything is ready.")
@click.option("--only", help="Comma-separated roles instead of all: broker,ingress,fold,hubspot,line.")
@json_option
def command(ready_file: Path | None, only: str | None, as_json: bool) -> None:
    """Run Kafka (if embedded), ingress, fold and sinks until SIGTERM; restart what ends. --json: say when ready."""
    settings = Settings.load()
    configure(settings, "up")
    roles = _roles(settings, only)
    with _alone(settings.data_dir):
        raise SystemExit(asyncio.run(_up(settings, roles, ready_file, as_json)))


async def _up(settings: Settings, roles: list[RoleName], ready_file: Path | None, as_json: bool) -> int:
    stop = await until_stopped()
    await _demand_ports(settings, roles)
    left_over = [up_document_path(settings), *(run_document_path(settings, role) for role in roles)]
    for document in left_over if ready_file is None else [*left_over, ready_file]:
        document.unlink(missing_ok=True)
    children = [_child(role, settings, roles) for role in roles]
    supervisor = Supervisor(_with_ground(children, Ground(settings)))
    try:
        return await supervisor.run(stop, on_ready=lambda: _tell_ready(settings, ready_file, as_json))
    finally:
        up_document_path(settings).unlink(missing_ok=True)


def _demand_own_ports(settings: Settings, roles: list[RoleName]) -> None:
    """Refusal 78 when the settings give two roles the same port."""
    owners: dict[int, list[str]] = {}
    for role, (variable, bind) in _binds(settings).items():
        if role in roles and bind.port:
            owners.setdefault(bind.port, []).append(f"{variable} ({role})")
    shared = [f"{' and '.join(owner)} both ask for port {port}" for port, owner in owners.items() if len(owner) > 1]
    if shared:
        raise SettingsWrong(shared)


async def _demand_ports(settings: Settings, roles: list[RoleName], attempts: int = 50) -> None:
    """Refusal 69 when a given port is taken, which no restart heals; one that a killed `up` leaves is waited for."""
    _demand_own_ports(settings, roles)
    for role, (variable, bind) in _binds(settings).items():
        if role not in roles or not bind.port:
            continue
        for _ in range(attempts):
            if is_free(bind.host, bind.port):
                break
            await asyncio.sleep(0.1)
        else:
            raise port_taken(bind.host, bind.port, variable)


def _with_ground(children: list[ChildSpec], ground: Ground) -> list[ChildSpec]:
    """Every role but the broker waits until the ground is laid."""
    return [child if child.name == "broker" else replace(child, prepare=ground.lay) for child in children]


def _child(role: RoleName, settings: Settings, roles: list[RoleName]) -> ChildSpec:
    return ChildSpec(
        role,
        [sys.executable, "-P", "-m", "cli.main", "run", role],
        _environment(role, settings),
        document_says_ready(run_document_path(settings, role)),
        after=() if role == "broker" or "broker" not in roles else ("broker",),
        fatal_at_first=KAFKA_NEVER_CAME if role == "broker" else frozenset(),
    )


def _environment(role: RoleName, settings: Settings) -> dict[str, str]:
    """Ours, but for CONNECTIONS_FILE, which `up` has applied before any role starts."""
    inherited = {name: value for name, value in environment().items() if name != "FRIENDSTREAM_CONNECTIONS_FILE"}
    return inherited | _addresses(role, settings)


def _addresses(role: RoleName, settings: Settings) -> dict[str, str]:
    """A role that may listen anywhere listens at the same place after each restart."""
    binds = _binds(settings)
    if role not in binds:
        return {}
    variable, bind = binds[role]
    return {variable: str(bind if bind.port else Bind(bind.host, free_port(bind.host)))}


def _binds(settings: Settings) -> dict[RoleName, tuple[str, Bind]]:
    """Where each role listens; the sinks share one setting, so the second one takes the next port."""
    health = settings.health_bind
    return {
        "ingress": ("FRIENDSTREAM_INGRESS_BIND", settings.ingress_bind),
        "fold": ("FRIENDSTREAM_WEB_BIND", settings.web_bind),
        "hubspot": ("FRIENDSTREAM_HEALTH_BIND", health),
        "line": ("FRIENDSTREAM_HEALTH_BIND", Bind(health.host, health.port + 1) if health.port else health),
    }


def _roles(settings: Settings, only: str | None) -> list[RoleName]:
    known: tuple[RoleName, ...] = get_args(RoleName)
    wanted = known if only is None else tuple(name.strip() for name in only.split(",") if name.strip())
    unknown = sorted(set(wanted) - set(known))
    if unknown or not wanted:
        raise Refusal(USAGE, "no_such_role", f"--only takes {', '.join(known)}; not {', '.join(unknown) or 'nothing'}")
    return [role for role in known if role in wanted and (role != "broker" or settings.kafka_is_embedded)]


def _tell_ready(settings: Settings, ready_file: Path | None, as_json: bool) -> None:
    def url_of(role: str) -> str | None:
        return (read_document(run_document_path(settings, role)) or {}).get("url")

    document = {
        "pid": os.getpid(),
        "ingress": url_of("ingress"),
        "web": url_of("fold"),
        "kafka": resolve(settings),
        "version": program_version(),
    }
    for path in (up_document_path(settings), ready_file):
        if path is not None:
            write_document(path.absolute(), document)
    logger(__name__).info(
        "everything is ready: webhooks at %s/line/N, pages at %s", document["ingress"], document["web"]
    )
    if as_json:
        print_line(document)
    elif sys.stdout.isatty():
        console().print(f"[bold]friendstream is up[/]  webhooks {document['ingress']}/line/N  pages {document['web']}")
        talk("stop it with Ctrl-C; `friendstream status` says how things stand")


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Hold DATA_DIR for this process; Refusal 4 when another `up` has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(
                REFUSED,
                "already_up",
                "another `friendstream up` runs on this data directory",
                where=str(data_dir),
                next_step="stop that one, or give this one its own FRIENDSTREAM_DATA_DIR",
            ) from None
        yield
