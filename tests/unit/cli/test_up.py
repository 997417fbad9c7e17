"""Which roles `up` runs, and where they listen."""

import socket

import pytest

from cli.up import _addresses, _demand_ports, _roles
from runtime.refusal import MISCONFIGURED, UNAVAILABLE, USAGE, Refusal
from runtime.settings import Settings

EMBEDDED = Settings.load({})
EXTERNAL = Settings.load({"FRIENDSTREAM_KAFKA": "kafka:9092", "FRIENDSTREAM_SECRET_KEY": "k" * 32})


def test_all_roles_start_in_their_order() -> None:
    assert _roles(EMBEDDED, None) == ["broker", "ingress", "fold", "hubspot", "line"]


def test_another_kafka_needs_no_broker() -> None:
    assert "broker" not in _roles(EXTERNAL, None)


def test_only_names_some_roles_in_any_order() -> None:
    assert _roles(EMBEDDED, "line, ingress") == ["ingress", "line"]


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refusal, match="dancer") as refused:
        _roles(EMBEDDED, "dancer")
    assert refused.value.exit_code == USAGE


def test_a_port_that_may_be_any_is_chosen_once_for_all_restarts() -> None:
    settings = Settings.load({"FRIENDSTREAM_INGRESS_BIND": "127.0.0.1:0"})
    host, port = _addresses("ingress", settings)["FRIENDSTREAM_INGRESS_BIND"].rsplit(":", 1)
    assert host == "127.0.0.1"
    assert int(port) > 0


def test_a_given_port_is_left_alone() -> None:
    assert _addresses("ingress", EMBEDDED) == {"FRIENDSTREAM_INGRESS_BIND": "127.0.0.1:8080"}


def test_the_sinks_share_a_setting_and_no_port() -> None:
    settings = Settings.load({"FRIENDSTREAM_HEALTH_BIND": "127.0.0.1:9100"})
    assert _addresses("hubspot", settings) == {"FRIENDSTREAM_HEALTH_BIND": "127.0.0.1:9100"}
    assert _addresses("line", settings) == {"FRIENDSTREAM_HEALTH_BIND": "127.0.0.1:9101"}


async def test_one_port_for_two_roles_is_a_wrong_setting() -> None:
    settings = Settings.load({"FRIENDSTREAM_HEALTH_BIND": "127.0.0.1:9100", "FRIENDSTREAM_WEB_BIND": "127.0.0.1:9101"})
    with pytest.raises(Refusal, match=r"FRIENDSTREAM_WEB_BIND.*FRIENDSTREAM_HEALTH_BIND.*9101") as refused:
        await _demand_ports(settings, ["fold", "line"], attempts=1)
    assert refused.value.exit_code == MISCONFIGURED


async def test_a_given_port_that_is_taken_is_refused_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = Settings.load({"FRIENDSTREAM_INGRESS_BIND": f"127.0.0.1:{other.getsockname()[1]}"})
        with pytest.raises(Refusal) as refused:
            await _demand_ports(settings, ["ingress"], attempts=1)
        assert (refused.value.exit_code, refused.value.where) == (UNAVAILABLE, "FRIENDSTREAM_INGRESS_BIND")
        await _demand_ports(settings, ["line"], attempts=1)
