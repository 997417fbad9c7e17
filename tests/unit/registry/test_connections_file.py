"""CONNECTIONS_FILE: read as a whole, applied again and again, never stopped by a vendor that is away."""

import msgspec
import orjson
import pytest

from clients.line import LineTrouble
from registry.applications import read_connections_file
from registry.properties import PropertiesReport
from registry.secrets import OLD_SECRET_LIVES_MS, channel_secret, live_secrets
from runtime.refusal import Refusal
from runtime.sealing import SealingKey
from runtime.settings import Secret

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def file_of(tmp_path):
    def write(*entries: object):
        path = tmp_path / "connections.json"
        path.write_bytes(orjson.dumps(entries))
        return path

    return write


def test_the_file_is_read_in_order_and_without_webhook_by_default(file_of) -> None:
    entries = read_connections_file(
        file_of(
            {"channel_id": "2002", "channel_secret": SECRET, "name": "Shop", "description": "d", "token": "t"},
            {"channel_id": "2001", "channel_secret": SECRET, "webhook": True},
        )
    )
    assert [(entry.channel_id, entry.name, entry.webhook) for entry in entries] == [
        ("2002", "Shop", False),
        ("2001", None, True),
    ]
    assert entries[0].token == Secret("t")


def test_every_problem_of_the_file_is_told_at_once_and_no_value(file_of) -> None:
    with pytest.raises(Refusal) as refused:
        read_connections_file(
            file_of(
                {"channel_id": "2001"},
                {"channel_id": 5, "channel_secret": "hush-hush"},
                {"channel_id": "2002", "channel_secret": " "},
                {"channel_id": "2003", "channel_secret": "hush-hush", "chanel": 1},
                {"channel_id": "2004", "channel_secret": "hush-hush"},
                {"channel_id": "2004", "channel_secret": "hush-hush"},
            )
        )
    assert refused.value.exit_code == 78
    for place in ("connection 1", "connection 2", "connection 3", "connection 4", "2004 is there twice"):
        assert place in refused.value.what
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("content", [b"{", b"{}", b'"x"', b"\xff"])
def test_a_file_that_is_no_list_is_78(tmp_path, content) -> None:
    path = tmp_path / "connections.json"
    path.write_bytes(content)
    with pytest.raises(Refusal) as refused:
        read_connections_file(path)
    assert refused.value.exit_code == 78


async def test_the_first_entry_is_number_one_and_applying_again_changes_nothing(
    connector, application, registry, hubspot
) -> None:
    entries = [application("2002", webhook=False), application("2001", webhook=False)]
    records = await connector().apply(entries)
    assert [(r.number, r.channel_id, r.status, r.name) for r in records] == [
        (1, "2002", "connected", "Shop 2002"),
        (2, "2001", "connected", "Shop 2001"),
    ]
    before, asked = list(registry.log), list(hubspot.asked)
    assert await connector().apply(entries) == records
    assert registry.log == before
    assert hubspot.asked == asked


async def test_a_longer_file_adds_only_what_is_new(connector, application, registry) -> None:
    await connector().apply([application("2001", webhook=False)])
    await connector().apply([application("2003", webhook=False), application("2001", webhook=False)])
    assert {n: r.channel_id for n, r in registry.known.connections.items()} == {1: "2001", 2: "2003"}


async def test_line_and_hubspot_being_away_keep_a_connection_that_can_verify(
    connector, application, registry, line, hubspot, key
) -> None:
    line.trouble = {"issue_token": LineTrouble(None, "unreachable")}
    hubspot.report = None
    records = await connector().apply([application(webhook=False)])
    assert [r.status for r in records] == ["properties_pending"]
    assert records[0].bot_user_id is None
    assert live_secrets(records[0], key, 2000) == [SECRET.encode()]
    line.trouble, hubspot.report = {}, PropertiesReport()
    after = await connector().check_all(records)
    assert [(r.status, r.bot_user_id) for r in after] == [("connected", "U2001")]


async def test_a_wrong_secret_in_the_file_needs_attention_and_stops_nothing(connector, application) -> None:
    records = await connector().apply(
        [application(channel_secret=Secret("wrong"), webhook=False), application("2002", webhook=False)]
    )
    assert [(r.status, r.reason) for r in records] == [("attention", "token_rejected"), ("connected", None)]


async def test_a_property_of_another_type_keeps_the_connection_pending(connector, application, hubspot) -> None:
    hubspot.report = PropertiesReport(wrong=("line_follow_1 has the type string",))
    assert [r.status for r in await connector().apply([application(webhook=False)])] == ["properties_pending"]


async def test_a_new_secret_in_the_file_replaces_the_old_one_which_lives_on_for_a_day(
    connector, application, registry, line, key
) -> None:
    await connector().apply([application(webhook=False)])
    line.secrets["2001"] = "the new secret"
    records = await connector().apply([application(channel_secret=Secret("the new secret"), webhook=False)])
    assert records[0].number == 1
    assert live_secrets(records[0], key, 1001) == [b"the new secret", SECRET.encode()]
    assert live_secrets(records[0], key, 1000 + OLD_SECRET_LIVES_MS) == [b"the new secret"]


async def test_another_sealing_key_seals_the_file_s_secret_again(registry, connector, application, key) -> None:
    await connector().apply([application(webhook=False)])
    connect = connector()
    connect._key = other = SealingKey("another key, which the operator made")
    records = await connect.apply([application(webhook=False)])
    assert channel_secret(records[0], other) == SECRET
    assert len(records[0].secrets) == 1


async def test_a_removed_connection_is_not_brought_back(connector, application, registry) -> None:
    await connector().apply([application(webhook=False)])
    await registry.transact(lambda known: msgspec.structs.replace(known[1], status="removed", secrets=()))
    assert await connector().apply([application(webhook=False), application("2002", webhook=False)]) == [registry.of(2)]
    assert registry.of(1).status == "removed"


async def test_a_webhook_of_the_file_is_set_but_never_taken_over(connector, application, line) -> None:
    records = await connector().apply([application(webhook=True)])
    assert line.endpoint.url == "https://fs.example.com/line/1"
    assert records[0].status == "connected"
    records = await connector().apply([application("2002", webhook=True)])
    assert (records[0].status, records[0].reason) == ("attention", "url_not_ours")
    assert line.endpoint.url == "https://fs.example.com/line/1"


async def test_a_paused_connection_stays_paused(connector, application, registry) -> None:
    await connector().apply([application(webhook=False)])
    await registry.transact(lambda known: msgspec.structs.replace(known[1], status="paused"))
    assert [r.status for r in await connector().check_all([registry.of(1)])] == ["paused"]
