"""Which roles `up` runs, and where they listen."""

import pytest

from cli.up import _addresses, _roles
from runtime.refusal import USAGE, Refusal
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
    assert _addresses("ingress", EMBEDDED) == {}
