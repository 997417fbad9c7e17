"""`python -m devkit.line --port 0 --ready-file F [--seed N]`: the simulator as a process of its own."""

import argparse
import asyncio
import os
import signal
from pathlib import Path

import orjson

from devkit.line.simulator import LineSimulator


def write_ready(path: Path, url: str) -> None:
    """Write `{"url", "pid"}` so that a reader sees all of it or nothing."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(orjson.dumps({"url": url, "pid": os.getpid()}))
    partial.replace(path)


async def serve(port: int, ready_file: Path | None, seed: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with LineSimulator(seed=seed, port=port) as line:
        if ready_file is not None:
            await asyncio.to_thread(write_ready, ready_file, line.url)
        print(f"simulated LINE on {line.url}", flush=True)
        await stop.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m devkit.line", description="A simulator of LINE's Messaging API.")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--ready-file", type=Path, help="written once the server listens: url and pid as JSON")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same identifiers")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.ready_file, arguments.seed))


if __name__ == "__main__":
    main()
