"""The start and the end of a process, and the documents that processes leave for each other.

Law: a document is replaced as a whole or not at all, so a reader never sees half of one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import orjson

from runtime.settings import Settings


def die(code: int, why: str) -> NoReturn:
    """End the process at once with one line on the real stderr: no finaliser, no acknowledgement, no commit."""
    print(f"FATAL {why}", file=sys.__stderr__, flush=True)  # Faust redirects sys.stderr to its log
    os._exit(code)


async def until_stopped() -> asyncio.Event:
    """The event that SIGTERM or SIGINT sets; from here on these signals no longer end the process themselves."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the JSON file atomically, readable by its owner only; makes the directory when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(dict(document), option=orjson.OPT_APPEND_NEWLINE))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_document(path: Path) -> dict[str, Any] | None:
    """The JSON object in the file; None when there is no such file or it holds no object."""
    try:
        found = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) else None


def run_document_path(settings: Settings, role: str) -> Path:
    """Where a role says that it is ready: `{"role","pid","ready","url"}`."""
    return settings.data_dir / "run" / f"{role}.json"


def up_document_path(settings: Settings) -> Path:
    """Where `up` says that everything is ready, and other verbs find the broker."""
    return settings.data_dir / "run.json"
