"""Embedded Kafka: durable, one per data directory, never left behind, only from locked jars."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime import process_table
from runtime.appender import Appender
from runtime.embedded_kafka import EmbeddedKafka
from runtime.jars import Jar, fetch_jars, locked_jars
from runtime.log_reader import read_log
from runtime.refusal import MISCONFIGURED, REFUSED, UNAVAILABLE, Refusal

OWNER = """
import sys, time
from pathlib import Path
from runtime.embedded_kafka import EmbeddedKafka
kafka = EmbeddedKafka(Path(sys.argv[1]))
kafka.start()
print(kafka.address, kafka.pid, flush=True)
time.sleep(600)
"""


def test_a_second_start_on_the_same_directory_is_refused_and_names_the_holder(kafka: EmbeddedKafka) -> None:
    with pytest.raises(Refusal) as caught:
        EmbeddedKafka(kafka.home.parent).start()
    assert caught.value.exit_code == REFUSED
    assert f"process {os.getpid()}" in caught.value.what
    assert str(kafka.home.parent) in caught.value.where


@pytest.mark.parametrize("also_the_jvm_is_frozen", [False, True])
async def test_kill_of_the_owner_blocks_nothing_and_loses_no_acknowledged_record(
    tmp_path: Path, also_the_jvm_is_frozen: bool
) -> None:
    owner, address, jvm = _start_owner(tmp_path)
    await _create(address, "kept")
    appender = Appender(address, client_id="test")
    for number in range(50):
        await appender.append("kept", 0, [(b"k", b"%d" % number, [])])
    if also_the_jvm_is_frozen:  # so that it cannot follow its parent: the next start has to end it
        os.kill(jvm, signal.SIGSTOP)
    owner.kill()
    owner.wait()
    await appender.stop()

    again = EmbeddedKafka(tmp_path)
    again.start()
    try:
        assert again.address == address
        assert not process_table.is_alive(jvm)
        values = [record.value async for record in read_log(again.address, "kept")]
        assert values == [b"%d" % number for number in range(50)]
    finally:
        again.stop()


def test_a_start_that_fails_quotes_the_log_and_frees_the_directory(tmp_path: Path) -> None:
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=abc\n")
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            EmbeddedKafka(tmp_path).start()
        assert caught.value.exit_code == UNAVAILABLE
        assert "node id" in caught.value.what
        assert caught.value.where.endswith("kafka.log")


def test_a_fixed_port_that_is_taken_is_refused(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="taken") as caught:
        EmbeddedKafka(tmp_path, int(kafka.address.split(":")[1])).start()
    assert caught.value.exit_code == UNAVAILABLE


def test_a_full_disk_is_refused_before_anything_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100 * 2**20))
    with pytest.raises(Refusal, match="Only 100 MiB are free") as caught:
        EmbeddedKafka(tmp_path).start()
    assert caught.value.exit_code == UNAVAILABLE


def test_a_jar_that_is_not_the_locked_one_is_refused_and_named(tmp_path: Path) -> None:
    jar = min(locked_jars(), key=lambda jar: jar.size)
    there = jar.within(tmp_path)
    there.parent.mkdir(parents=True)
    there.write_bytes(b"something else")
    with pytest.raises(Refusal) as caught:
        fetch_jars(cache=tmp_path, jars=[jar])
    assert caught.value.exit_code == MISCONFIGURED
    assert jar.file in caught.value.what
    assert caught.value.where == str(there)


def test_a_missing_jar_that_cannot_be_fetched_is_unavailable_and_leaves_nothing_half(tmp_path: Path) -> None:
    jar = Jar(group="org.example", artifact="none", version="1", sha256="0" * 64, size=1)
    with pytest.raises(Refusal) as caught:
        fetch_jars(cache=tmp_path, jars=[jar], maven_url="http://127.0.0.1:9", progress=lambda done, total: None)
    assert caught.value.exit_code == UNAVAILABLE
    assert "FRIENDSTREAM_MAVEN_URL" in caught.value.next_step
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_broker_starts_again_on_the_same_port(own_kafka: EmbeddedKafka) -> None:
    before, pid = own_kafka.address, own_kafka.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while own_kafka.poll() is None:
        time.sleep(0.01)
    own_kafka.stop()
    own_kafka.start()
    assert own_kafka.address == before
    assert own_kafka.pid != pid


def _start_owner(data_dir: Path) -> tuple[subprocess.Popen[str], str, int]:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(data_dir)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    address, jvm = owner.stdout.readline().split()
    return owner, address, int(jvm)


async def _create(address: str, topic: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
