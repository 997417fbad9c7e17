"""Ports of the embedded Kafka: kept, and given up only when somebody else has them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from runtime.kafka_node import HOST, Ports, answers, kept_ports, properties
from runtime.refusal import UNAVAILABLE, Refusal


def test_ports_are_two_are_kept_and_lie_below_the_range_of_outgoing_connections(tmp_path: Path) -> None:
    ports = kept_ports(tmp_path / "ports.json")
    assert ports.broker != ports.controller
    assert 20000 <= ports.broker < 32000
    assert kept_ports(tmp_path / "ports.json") == ports


def test_a_kept_port_that_is_taken_is_replaced_and_the_other_stays(tmp_path: Path) -> None:
    before = kept_ports(tmp_path / "ports.json")
    with socket.socket() as other:
        other.bind((HOST, before.broker))
        other.listen()
        after = kept_ports(tmp_path / "ports.json")
    assert after.broker != before.broker
    assert after.controller == before.controller


def test_a_fixed_port_is_used_or_refused(tmp_path: Path) -> None:
    port = kept_ports(tmp_path / "ports.json").broker
    assert kept_ports(tmp_path / "ports.json", fixed=port).broker == port
    with socket.socket() as other:
        other.bind((HOST, port))
        other.listen()
        with pytest.raises(Refusal) as caught:
            kept_ports(tmp_path / "ports.json", fixed=port)
    assert caught.value.exit_code == UNAVAILABLE


def test_the_properties_name_the_ports_and_keep_offsets_for_a_year(tmp_path: Path) -> None:
    lines = properties(Ports(9092, 9093), tmp_path).splitlines()
    assert f"listeners=PLAINTEXT://{HOST}:9092,CONTROLLER://{HOST}:9093" in lines
    assert f"offsets.retention.minutes={365 * 24 * 60}" in lines
    assert f"log.dirs={tmp_path}" in lines


def test_a_port_without_a_broker_does_not_answer() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        assert not answers(other.getsockname()[1])
        other.listen()
        assert not answers(other.getsockname()[1], timeout=0.1)
