from __future__ import annotations

import pytest
from msgspec.structs import replace

from ingress.connections import RegistryConnections
from schemas.connections import ConnectionRecord, SealedSecret

RECORD = ConnectionRecord(
    number=1,
    status="connected",
    name="n",
    channel_id="c",
    bot_user_id="U1",
    secrets=(SealedSecret(key="k", box="new"), SealedSecret(key="k", box="old", until=1000)),
    created_at=1,
    version=1,
)


class World:
    def __init__(self) -> None:
        self.records = {1: RECORD}
        self.now = 500
        self.opened = 0
        self.connections = RegistryConnections(self.records, self._open, lambda: self.now)

    def _open(self, record: ConnectionRecord, now: int) -> list[bytes]:
        self.opened += 1
        return [secret.box.encode() for secret in record.secrets if secret.until is None or secret.until > now]

    def secrets(self) -> int:
        found = self.connections.get(1)
        assert found is not None
        return len(found.signers)


@pytest.fixture
def world() -> World:
    return World()


def test_secrets_are_opened_once_and_not_per_webhook(world: World) -> None:
    assert [world.secrets() for _ in range(3)] == [2, 2, 2]
    assert world.opened == 1


def test_a_secret_that_expired_signs_no_more(world: World) -> None:
    assert world.secrets() == 2
    world.now = 1000
    assert world.secrets() == 1


def test_a_clock_that_jumped_an_hour_ahead_and_was_put_back_loses_no_secret(world: World) -> None:
    assert world.secrets() == 2
    world.now += 3_600_000
    assert world.secrets() == 1
    world.now -= 3_600_000
    assert world.secrets() == 2


def test_a_changed_record_counts_at_once(world: World) -> None:
    assert world.secrets() == 2
    world.records[1] = replace(RECORD, secrets=RECORD.secrets[:1], version=2)
    assert world.secrets() == 1


@pytest.mark.parametrize("status", ["draft", "removed"])
def test_a_draft_or_removed_connection_takes_no_webhook(world: World, status: str) -> None:
    world.secrets()
    world.records[1] = replace(RECORD, status=status)
    assert world.connections.get(1) is None


@pytest.mark.parametrize("status", ["properties_pending", "connected", "attention", "paused"])
def test_every_other_connection_takes_webhooks(world: World, status: str) -> None:
    world.records[1] = replace(RECORD, status=status)
    assert world.secrets() == 2


def test_an_unknown_number_takes_no_webhook(world: World) -> None:
    assert world.connections.get(2) is None
