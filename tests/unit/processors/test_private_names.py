"""One test for each private name of Faust and aiokafka that is touched: an upgrade turns red here, not into a loss."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import aiokafka
import faust
import pytest
from aiohttp import web
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from confluent_kafka import KafkaError
from faust.agents.agent import Agent
from faust.stores import memory, rocksdb
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer as AnyConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.web.drivers.aiohttp import Web

CALLED = [
    (AIOKafkaConsumerThread, "_create_worker_consumer", ["transport"]),
    (AIOKafkaConsumerThread, "seek_to_committed", []),
    (AIOKafkaConsumerThread, "call_thread", ["fun"]),
    (Consumer, "_new_consumer_thread", []),
    (Consumer, "getmany", ["timeout"]),
    (Consumer, "_wait_next_records", ["timeout"]),
    (Consumer, "_get_active_partitions", []),
    (Consumer, "_to_message", ["tp", "record"]),
    (Consumer, "perform_seek", []),
    (Consumer, "seek_wait", ["partitions"]),
    (Consumer, "earliest_offsets", ["partitions"]),
    (Consumer, "highwater", ["tp"]),
    (Consumer, "on_partitions_revoked", ["revoked"]),
    (Consumer, "ack", ["message"]),
    (Consumer, "_add_gap", ["tp", "offset_from", "offset_to"]),
    (Consumer, "_new_offset", ["tp"]),
    (Consumer, "stop_flow", []),
    (GroupCoordinator, "_do_heartbeat", []),
    (GroupCoordinator, "_start_heartbeat_task", []),
    (GroupCoordinator, "fetch_committed_offsets", ["partitions"]),
    (GroupCoordinator, "check_errors", []),
    (Fetcher, "seek_to", ["tp", "offset"]),
    (faust.App, "_on_agent_error", ["agent", "exc"]),
    (faust.App, "_new_web", []),
    (Recovery, "on_recovery_completed", ["generation_id"]),
    (Recovery, "_build_offsets", ["consumer", "tps", "destination", "title"]),
    (rocksdb.Store, "_db_for_partition", ["partition"]),
    (Web, "_new_transport_tcp", []),
]
USED = [
    (AnyConsumer, "_committed_offset"),
    (AnyConsumer, "_acked"),
    (AnyConsumer, "_acked_index"),
    (AnyConsumer, "_buffered_partitions"),
    (AnyConsumer, "flow_active"),
    (Recovery, "active_highwaters"),
    (Recovery, "tp_to_table"),
    (TableManager, "_recovery"),
    (TableManager, "actives_ready"),
    (memory.Store, "_key_partition"),
    (faust.App, "_consumer"),
    (faust.App, "rebalancing"),
    (faust.App, "consumer_generation_id"),
]


def test_the_version_that_all_this_was_proven_with() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka") == "0.14.0"


@pytest.mark.parametrize(("owner", "name", "parameters"), CALLED, ids=lambda value: getattr(value, "__name__", value))
def test_a_method_that_is_called_or_overridden_has_its_signature(owner: type, name: str, parameters: list[str]) -> None:
    found = list(inspect.signature(getattr(owner, name)).parameters)
    assert found[: len(parameters) + 1] == ["self", *parameters]


@pytest.mark.parametrize(("owner", "name"), USED, ids=lambda value: getattr(value, "__name__", value))
def test_an_attribute_that_is_read_is_set_by_its_owner(owner: type, name: str) -> None:
    source = "".join(inspect.getsource(cls) for cls in owner.__mro__ if cls.__module__.startswith(("faust", "mode")))
    assert name in source


async def test_attributes_of_an_aiokafka_consumer() -> None:
    client = aiokafka.AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    assert client._fetch_max_wait_ms == 500
    assert hasattr(client, "_coordinator")
    assert hasattr(client, "_fetcher")
    assert "self._coordination_task" in inspect.getsource(GroupCoordinator)
    assert "_fetch_max_wait_ms" in inspect.getsource(aiokafka.AIOKafkaConsumer.start)
    await client.stop()


def test_an_agent_asks_the_app_before_its_stream_would_acknowledge() -> None:
    """HardenedApp ends the process there; stock goes on, acknowledges and commits."""
    source = inspect.getsource(Agent._execute_actor)
    assert "_on_error" in source
    assert "_on_agent_error" in inspect.getsource(faust.App)


def test_offsets_to_commit_come_from_one_method() -> None:
    assert "self._new_offset(tp)" in inspect.getsource(AnyConsumer._filter_committable_offsets)
    assert "self._acked" in inspect.getsource(AnyConsumer._filter_tps_with_pending_acks)


def test_stock_recovery_seeks_before_it_clears_the_queues() -> None:
    """The order that BulkRecovery makes safe by stopping the flow first."""
    source = inspect.getsource(Recovery.on_recovery_completed)
    assert source.index("resume_partitions") < source.index("perform_seek") < source.index("flow_control.resume")


def test_table_manager_makes_its_recovery_in_a_property() -> None:
    assert isinstance(inspect.getattr_static(TableManager, "recovery"), property)


def test_rocksdb_store_keeps_its_offset_under_this_key() -> None:
    assert rocksdb.Store.offset_key == b"__faust\0offset__"
    assert "self.offset_key" in inspect.getsource(rocksdb.Store.persisted_offset)


def test_web_driver_takes_its_pages_from_these_lists() -> None:
    for name in ("default_blueprints", "production_blueprints", "debug_blueprints", "optional_blueprints"):
        assert hasattr(Web, name)
    assert "_runner" in inspect.getsource(Web.start_server)
    assert isinstance(web.AppRunner.addresses, property)


def test_librdkafka_tells_the_end_of_a_partition() -> None:
    assert isinstance(KafkaError._PARTITION_EOF, int)
