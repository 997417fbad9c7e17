"""An application on a port, for as long as it is wanted.

Law: at the end it accepts no more, answers what is in flight, and only then closes.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from runtime.ports import port_taken

_STOP_SECONDS = 5.0


@contextlib.asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Listen (port 0: any free one) and yield the URL; at the end answer what is in flight, then close.

    Refusal 69 when the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_SECONDS, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, reuse_address=True)
        try:
            await site.start()
        except OSError:
            raise port_taken(host, port, "FRIENDSTREAM_INGRESS_BIND") from None
        bound = runner.addresses[0]
        yield f"http://[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"http://{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()
