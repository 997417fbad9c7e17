"""The configuration of one Kafka node (KRaft, broker and controller in one) and how it is asked whether it is there.

Law: a port is chosen once and kept in DATA_DIR, so that clients survive a restart of the broker.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from runtime.ports import free_port, is_free
from runtime.process import read_document, write_document
from runtime.refusal import UNAVAILABLE, Refusal
from schemas.topics import MAX_MESSAGE_BYTES

HOST = "127.0.0.1"

_PROPERTIES = """\
# Written by friendstream at every start.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=12
default.replication.factor=1
message.max.bytes={message_bytes}
replica.fetch.max.bytes={message_bytes}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
offsets.retention.minutes=525600
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# After a kill the node may come back only when its former session has ended (9 s by default).
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the broker and its controller listen."""

    broker: int
    controller: int


def properties(ports: Ports, data: Path) -> str:
    """server.properties."""
    return _PROPERTIES.format(
        host=HOST, port=ports.broker, controller=ports.controller, data=data, message_bytes=MAX_MESSAGE_BYTES
    )


def kept_ports(document: Path, fixed: int = 0) -> Ports:
    """The ports of this data directory; new ones when there are none, or when another program took them.

    A port that is `fixed` is never replaced: Refusal 69 when it is taken.
    """
    kept = read_document(document) or {}
    broker, controller = int(kept.get("broker", 0)), int(kept.get("controller", 0))
    if fixed:
        if not is_free(HOST, fixed):
            raise Refusal(
                UNAVAILABLE,
                "port_taken",
                f"Port {fixed} is taken by another program, so Kafka cannot listen there.",
                where="FRIENDSTREAM_KAFKA_PORT",
                next_step="end that program, or choose another port (0: any free one)",
            )
        broker = fixed
    elif not broker or not is_free(HOST, broker):
        broker = free_port(HOST)
    if not controller or controller == broker or not is_free(HOST, controller):
        controller = free_port(HOST, besides=broker)
    write_document(document, {"broker": broker, "controller": controller})
    return Ports(broker, controller)


def answers(port: int, timeout: float = 1.0) -> bool:
    """Whether a broker answers a metadata request on this port and counts itself as alive."""
    # Metadata v4, client id "friendstream", no topics, no creation of topics
    body = struct.pack(">hhih", 3, 4, 1, 12) + b"friendstream" + struct.pack(">i?", 0, False)
    try:
        with socket.create_connection((HOST, port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(struct.pack(">i", len(body)) + body)
            with connection.makefile("rb") as answer:
                (size,) = struct.unpack(">i", answer.read(4))
                content = answer.read(min(size, 1024))
        _correlation, _throttled, brokers = struct.unpack_from(">iii", content)
    except (OSError, struct.error):
        return False
    return bool(brokers >= 1)
