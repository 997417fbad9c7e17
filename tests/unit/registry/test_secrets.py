"""Secrets are sealed for one connection and one field, and appear nowhere else."""

import pytest

from registry.applications import Application
from registry.secrets import live_secrets, seal, token, with_token
from runtime.sealing import NotOpened
from runtime.settings import Secret
from schemas.codec import encode
from schemas.connections import ConnectionRecord

PLAIN = "0123456789abcdef0123456789abcdef"


def record(number: int, **fields: object) -> ConnectionRecord:
    given = {"status": "connected", "name": "n", "channel_id": "2001", "created_at": 1, "version": 1, **fields}
    return ConnectionRecord(number=number, **given)  # type: ignore[arg-type]  # fields of the test


def test_a_record_on_the_wire_holds_no_plain_secret(key) -> None:
    sealed = record(1, secrets=(seal(key, 1, "secret", PLAIN),), token=seal(key, 1, "token", "pasted"))
    assert PLAIN.encode() not in encode(sealed)
    assert b"pasted" not in encode(sealed)
    assert live_secrets(sealed, key, 0) == [PLAIN.encode()]
    assert token(sealed, key) == "pasted"


def test_a_box_opens_for_no_other_connection_and_no_other_field(key) -> None:
    box = seal(key, 1, "secret", PLAIN)
    with pytest.raises(NotOpened):
        live_secrets(record(2, secrets=(box,)), key, 0)
    with pytest.raises(NotOpened):
        token(record(1, token=box), key)


def test_a_token_can_be_taken_away(key) -> None:
    assert with_token(record(1, token=seal(key, 1, "token", "pasted")), key, None).token is None


def test_an_application_shows_no_secret() -> None:
    assert PLAIN not in repr(Application(channel_id="2001", channel_secret=Secret(PLAIN), token=Secret(PLAIN)))
