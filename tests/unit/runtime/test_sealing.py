"""Sealing: opens only with the same key in the same context."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from runtime.refusal import MISCONFIGURED, Refusal
from runtime.sealing import Box, NotOpened, SealingKey
from runtime.settings import Settings

KEY = SealingKey("a" * 32)


def test_opens_what_it_sealed_and_never_seals_alike() -> None:
    one, two = KEY.seal(b"channel secret", "connections/1"), KEY.seal(b"channel secret", "connections/1")
    assert one.box != two.box
    assert b"channel" not in base64.b64decode(one.box)
    assert KEY.open(one, "connections/1") == KEY.open(two, "connections/1") == b"channel secret"


def test_another_context_does_not_open() -> None:
    with pytest.raises(NotOpened, match="damaged"):
        KEY.open(KEY.seal(b"x", "connections/1"), "connections/2")


def test_another_key_does_not_open_and_says_that_the_key_changed() -> None:
    with pytest.raises(NotOpened, match="SECRET_KEY has changed"):
        SealingKey("b" * 32).open(KEY.seal(b"x", "c"), "c")


@pytest.mark.parametrize("damage", ["", "!", "AAAA", base64.b64encode(b"x" * 40).decode()])
def test_a_damaged_box_does_not_open(damage: str) -> None:
    with pytest.raises(NotOpened):
        KEY.open(Box(KEY.id, damage), "c")


def test_the_key_of_embedded_kafka_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    settings = Settings.load({"FRIENDSTREAM_DATA_DIR": str(tmp_path / "data")})
    box = SealingKey.load(settings).seal(b"x", "c")
    assert SealingKey.load(settings).open(box, "c") == b"x"
    (file,) = (tmp_path / "data").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_file_is_refused_and_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("")
    with pytest.raises(Refusal) as caught:
        SealingKey.load(Settings.load({"FRIENDSTREAM_DATA_DIR": str(tmp_path)}))
    assert caught.value.exit_code == MISCONFIGURED


def test_another_kafka_and_no_key_is_refused(tmp_path: Path) -> None:
    given = {"FRIENDSTREAM_DATA_DIR": str(tmp_path), "FRIENDSTREAM_KAFKA": "kafka:9092"}
    with pytest.raises(Refusal) as caught:
        SealingKey.load(Settings.load(given))
    assert caught.value.exit_code == MISCONFIGURED
    assert list(tmp_path.iterdir()) == []
    SealingKey.load(Settings.load(given | {"FRIENDSTREAM_SECRET_KEY": "x" * 32}))
