"""A random cluster id may begin with a dash: the node is formatted all the same."""

from pathlib import Path

import pytest

from runtime import embedded_kafka
from runtime.embedded_kafka import EmbeddedKafka


def test_a_cluster_id_that_begins_with_a_dash_is_no_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_kafka, "token_bytes", lambda count: b"\xf8" + bytes(range(1, count)))
    node = EmbeddedKafka(tmp_path)
    node.start()
    node.stop()
    assert "cluster.id=-" in next((tmp_path / "kafka").rglob("meta.properties")).read_text()
