"""Free ports that stay ours across restarts.

Law: they come from below the range that the system gives to outgoing connections: a client that retries a port of that
range may reach itself.
"""

from __future__ import annotations

import socket

from runtime.clock import random_source
from runtime.refusal import UNAVAILABLE, Refusal

PORTS = range(20000, 32000)


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def port_taken(host: str, port: int, setting: str) -> Refusal:
    """The refusal (69) of a process that cannot listen where the setting says."""
    return Refusal(
        UNAVAILABLE,
        "port_taken",
        f"Nothing can listen on {host}:{port}: another program has the port, or the address is not of this machine.",
        where=setting,
        next_step="end that program, or choose another address (port 0: any free one)",
    )


def free_port(host: str, besides: int = 0) -> int:
    """A port that nobody listens on; Refusal 69 when none is found."""
    for port in random_source().sample(PORTS, k=200):
        if port != besides and is_free(host, port):
            return port
    raise Refusal(
        UNAVAILABLE,
        "no_free_port",
        f"No free port from {PORTS.start} to {PORTS.stop - 1} on {host}.",
        next_step="end programs that listen there, or give the binds ports of their own",
    )
