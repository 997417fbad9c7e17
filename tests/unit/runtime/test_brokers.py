"""Where the brokers are: from the settings, or from a document of a process that lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.brokers import resolve
from runtime.process import run_document_path, up_document_path, write_document
from runtime.refusal import UNAVAILABLE, Refusal
from runtime.settings import Settings

NOBODY = 2**22 + 1  # above the largest process id


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"FRIENDSTREAM_DATA_DIR": str(tmp_path)})


def test_another_kafka_is_where_the_settings_say() -> None:
    assert resolve(Settings.load({"FRIENDSTREAM_KAFKA": "a:1,b:2"})) == "a:1,b:2"


def test_the_embedded_kafka_is_where_its_role_says(settings: Settings) -> None:
    write_document(run_document_path(settings, "broker"), {"pid": os.getpid(), "ready": True, "url": "127.0.0.1:1"})
    write_document(up_document_path(settings), {"pid": os.getpid(), "kafka": "127.0.0.1:2"})
    assert resolve(settings) == "127.0.0.1:1"


def test_else_where_the_document_of_up_says(settings: Settings) -> None:
    write_document(run_document_path(settings, "broker"), {"pid": NOBODY, "ready": True, "url": "127.0.0.1:1"})
    write_document(up_document_path(settings), {"pid": os.getpid(), "kafka": "127.0.0.1:2"})
    assert resolve(settings) == "127.0.0.1:2"


def test_documents_of_the_dead_and_of_the_unready_count_for_nothing(settings: Settings) -> None:
    write_document(run_document_path(settings, "broker"), {"pid": os.getpid(), "ready": False, "url": "127.0.0.1:1"})
    write_document(up_document_path(settings), {"pid": NOBODY, "kafka": "127.0.0.1:2"})
    with pytest.raises(Refusal) as caught:
        resolve(settings)
    assert caught.value.exit_code == UNAVAILABLE
    assert "friendstream up" in caught.value.next_step
