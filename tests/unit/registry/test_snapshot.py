from __future__ import annotations

from pathlib import Path

import pytest

from registry.secrets import with_secret
from registry.snapshot import Snapshot, SnapshotFile
from runtime.sealing import NotOpened, SealingKey
from schemas.connections import ConnectionRecord

KEY = SealingKey("a key for tests only, never for anything else")
RECORD = with_secret(
    ConnectionRecord(number=1, status="connected", name="Shop Aoyama", channel_id="2001", created_at=1, version=1),
    KEY,
    "the channel secret of connection 1",
    1,
)
SNAPSHOT = Snapshot((RECORD,), {"line.events.v1": 12})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "registry.snapshot"


def test_what_was_kept_is_known_again(path: Path) -> None:
    SnapshotFile(path, KEY).save(SNAPSHOT)
    assert SnapshotFile(path, KEY).load() == SNAPSHOT


def test_it_is_for_its_owner_only_holds_nothing_in_clear_and_leaves_no_draft(path: Path) -> None:
    file = SnapshotFile(path, KEY)
    file.save(SNAPSHOT)
    file.save(SNAPSHOT)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not {word for word in (b"Aoyama", b"2001", b"channel secret") if word in path.read_bytes()}
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_without_a_file_nothing_is_known(path: Path) -> None:
    assert SnapshotFile(path, KEY).load() is None


@pytest.mark.parametrize("keep", [0, 10, -10])
def test_a_damaged_file_counts_as_none(path: Path, keep: int) -> None:
    file = SnapshotFile(path, KEY)
    file.save(SNAPSHOT)
    path.write_bytes(path.read_bytes()[:keep])
    assert file.load() is None


def test_a_file_that_was_changed_counts_as_none(path: Path) -> None:
    file = SnapshotFile(path, KEY)
    file.save(SNAPSHOT)
    raw = path.read_bytes()
    path.write_bytes(raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:])
    assert file.load() is None


def test_a_file_that_another_key_sealed_is_told_apart(path: Path) -> None:
    SnapshotFile(path, KEY).save(SNAPSHOT)
    with pytest.raises(NotOpened):
        SnapshotFile(path, SealingKey("another key, just as long as it has to be")).load()


def test_a_draft_that_could_not_be_finished_leaves_the_one_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SnapshotFile(path, KEY)
    file.save(SNAPSHOT)

    def full(_: int) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("registry.snapshot.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        file.save(Snapshot((), {}))
    assert file.load() == SNAPSHOT
    assert [one.name for one in path.parent.iterdir()] == [path.name]
