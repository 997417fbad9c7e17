"""Who gets a number."""

from __future__ import annotations

from typing import Any

import msgspec

from registry.admission import admitted
from registry.applications import Application
from runtime.sealing import SealingKey
from runtime.settings import Secret, Settings
from schemas.connections import ConnectionRecord

KEY = SealingKey("a key for tests only, never for anything else")


def asking(channel: str) -> Application:
    return Application(channel_id=channel, channel_secret=Secret("0" * 32))


def admit(known: dict[int, ConnectionRecord], channel: str, **changes: Any) -> dict[int, ConnectionRecord]:
    settings = Settings.load({"FRIENDSTREAM_PLAN": "off"})
    record = admitted(known, asking(channel), f"U{channel}", KEY, settings, 1)
    return {**known, record.number: msgspec.structs.replace(record, **changes)}


def test_the_number_of_a_removed_connection_is_never_given_again() -> None:
    """Its properties stay in HubSpot, full of other people's values."""
    known = admit({}, "2001", status="connected", bot_user_id="U2001")
    known = admit(known, "2002", status="removed", bot_user_id="U2002", secrets=())
    assert sorted(admit(known, "2003")) == [1, 2, 3]


def test_the_same_account_connected_again_gets_a_new_number() -> None:
    known = admit({}, "2001", status="removed", bot_user_id="U2001", secrets=())
    assert sorted(admit(known, "2001")) == [1, 2]
