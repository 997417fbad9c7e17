"""`python -m devkit.hubspot`: serve one simulated portal until SIGTERM or SIGINT."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec
import orjson

from devkit.hubspot.options import PortalOptions
from devkit.hubspot.simulator import HubSpotSimulator


def main() -> int:
    """Serve as the arguments say and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m devkit.hubspot", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="written whole once it listens: url and pid")
    parser.add_argument("--token", default="pat-sim")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="a field of PortalOptions")
    given = parser.parse_args()
    options = PortalOptions()
    try:
        options.change(dict(_option(text) for text in given.option))
    except (ValueError, msgspec.ValidationError) as problem:
        parser.error(f"--option: {problem}")
    simulator = HubSpotSimulator(given.token, given.seed, options, given.host, given.port)
    asyncio.run(serve(simulator, given.ready_file))
    return 0


async def serve(simulator: HubSpotSimulator, ready_file: Path | None) -> None:
    """Serve until a signal comes, announcing the address in the ready file and on standard output."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with simulator:
        document = orjson.dumps({"url": simulator.url, "pid": os.getpid()})
        if ready_file is not None:
            await asyncio.to_thread(_write_whole, ready_file, document)
        sys.stdout.write(document.decode() + "\n")
        sys.stdout.flush()
        await stopped.wait()


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


def _option(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


if __name__ == "__main__":
    sys.exit(main())
