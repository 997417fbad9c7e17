"""Tokens are kept until shortly before their end, and dropped when LINE refuses them."""

import asyncio

import msgspec
import pytest

from clients.line import LineTrouble
from registry.secrets import seal
from registry.tokens import TokenSource
from schemas.connections import ConnectionRecord

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def record(key) -> ConnectionRecord:
    return ConnectionRecord(
        number=1, status="connected", name="n", channel_id="2001", created_at=1, version=1,
        secrets=(seal(key, 1, "secret", SECRET),),
    )  # fmt: skip


async def test_a_token_is_issued_once_and_renewed_before_its_end(line, key, record) -> None:
    time = [0.0]
    tokens = TokenSource(line, key, now=lambda: time[0])
    await asyncio.gather(*[tokens.token_of(record) for _ in range(5)])
    time[0] = 800.0
    await tokens.token_of(record)
    assert line.calls == ["issue_token"]
    time[0] = 811.0
    assert await tokens.token_of(record) == "token of 2001"
    assert line.calls == ["issue_token"] * 2


async def test_a_refused_token_is_asked_for_again_once_however_many_callers_drop_it(line, key, record) -> None:
    tokens = TokenSource(line, key)
    token = await tokens.token_of(record)
    line.secrets["2001"] = SECRET
    tokens.drop(record, token)
    tokens.drop(record, token)
    await tokens.token_of(record)
    tokens.drop(record, "an older one")
    await tokens.token_of(record)
    assert line.calls == ["issue_token"] * 2


async def test_a_pasted_token_is_used_until_line_refuses_it(line, key, record) -> None:
    pasted = msgspec.structs.replace(record, token=seal(key, 1, "token", "pasted"))
    tokens = TokenSource(line, key)
    assert await tokens.token_of(pasted) == "pasted"
    assert line.calls == []
    tokens.drop(pasted, "pasted")
    assert await tokens.token_of(pasted) == "token of 2001"


async def test_a_changed_record_gets_a_new_token(line, key, record) -> None:
    tokens = TokenSource(line, key)
    await tokens.token_of(record)
    await tokens.token_of(msgspec.structs.replace(record, version=2))
    assert line.calls == ["issue_token"] * 2


async def test_a_connection_without_secrets_has_no_token(line, key, record) -> None:
    with pytest.raises(LineTrouble) as trouble:
        await TokenSource(line, key).token_of(msgspec.structs.replace(record, secrets=()))
    assert not trouble.value.passes
