"""Adding a connection: every ending that a person can meet."""

from typing import Any

import pytest

from clients.line import Endpoint, LineTrouble, WebhookTest
from registry.properties import PropertiesReport
from registry.secrets import live_secrets
from runtime.refusal import Refusal
from runtime.settings import Secret

OURS = "https://fs.example.com/line/1"
THEIRS = "https://other.example.com/hook"


async def refused(call: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await call
    return caught.value


async def test_a_connection_is_made_checked_and_pointed_at_us(connector, application, registry, line, key) -> None:
    connected = await connector().add(application())
    assert connected.document() == {
        "number": 1,
        "webhook_url": OURS,
        "name": "Shop 2001",
        "status": "connected",
        "checks": [check.document() for check in connected.checks],
    }
    assert [(check.name, check.result) for check in connected.checks] == [
        ("token", "done"), ("verified", "done"), ("properties", "done"), ("webhook", "done"),
    ]  # fmt: skip
    record = registry.of(1)
    assert (record.bot_user_id, record.basic_id, record.verified, record.webhook_url) == ("U2001", "@2001", True, OURS)
    assert line.endpoint == Endpoint(OURS, True)
    assert live_secrets(record, key, 2000) == [b"0123456789abcdef0123456789abcdef"]


async def test_the_ingress_accepts_before_line_tests_the_webhook(connector, application, registry, line) -> None:
    """LINE's test posts to us, so the connection must be no draft by then."""
    seen = []
    true_test = line.test_webhook

    async def test(token: str, url: str) -> WebhookTest:
        seen.append(registry.of(1).status)
        return await true_test(token, url)

    line.test_webhook = test
    await connector().add(application())
    assert seen == ["connected"]


async def test_a_wrong_id_or_secret_is_refused_with_5_and_leaves_nothing(connector, application, registry) -> None:
    refusal = await refused(connector().add(application(channel_secret=Secret("wrong"))))
    assert (refusal.exit_code, refusal.code, refusal.what) == (5, "credentials_wrong", "channel id or secret wrong")
    assert registry.log == []
    assert "wrong" not in refusal.where


async def test_a_login_channel_is_refused_with_5(connector, application, line, registry) -> None:
    line.trouble["bot_info"] = LineTrouble(403, "forbidden")
    refusal = await refused(connector().add(application()))
    assert (refusal.exit_code, refusal.code) == (5, "not_a_messaging_channel")
    assert registry.log == []


async def test_a_pasted_token_that_line_refuses_or_of_another_channel_is_refused_with_5(connector, application) -> None:
    for pasted in ("revoked", "token of 2002"):
        refusal = await refused(connector().add(application(token=Secret(pasted))))
        assert (refusal.exit_code, refusal.code) == (5, "token_wrong")


async def test_line_being_away_is_69_and_leaves_nothing(connector, application, line, registry) -> None:
    line.trouble["issue_token"] = LineTrouble(None, "unreachable")
    assert (await refused(connector().add(application()))).exit_code == 69
    assert registry.log == []


async def test_one_account_is_connected_once(connector, application, line, registry) -> None:
    """By channel id, and by bot: another channel id that speaks for the same bot."""
    await connector().add(application())
    assert (await refused(connector().add(application()))).code == "already_connected"
    line.bots["2002"] = "U2001"
    refusal = await refused(connector().add(application("2002")))
    assert (refusal.exit_code, refusal.code) == (4, "already_connected")
    assert set(registry.known.connections) == {1}


async def test_numbers_go_up_and_a_plan_ends_them(connector, application, registry) -> None:
    connect = connector(plan="starter", support_contact="sales@example.com")
    assert (await connect.add(application("2001"))).record.number == 1
    assert (await connect.add(application("2002", take_over=True))).record.number == 2
    refusal = await refused(connect.add(application("2003", take_over=True)))
    assert (refusal.exit_code, refusal.code) == (4, "plan_limit")
    assert "sales@example.com" in refusal.next_step
    assert set(registry.known.connections) == {1, 2}


async def test_another_webhook_url_needs_take_over_and_is_remembered(connector, application, line, registry) -> None:
    line.endpoint = Endpoint(THEIRS, True)
    refusal = await refused(connector().add(application()))
    assert (refusal.exit_code, refusal.code) == (4, "needs_take_over")
    assert line.endpoint.url == THEIRS
    assert registry.log == []
    await connector().add(application(take_over=True))
    assert registry.of(1).replaced_url == THEIRS
    assert line.endpoint.url == OURS


async def test_without_webhook_line_is_not_told_and_nothing_is_tested(connector, application, line, registry) -> None:
    line.endpoint = Endpoint(THEIRS, True)
    connected = await connector().add(application(webhook=False))
    assert connected.record.status == "connected"
    assert connected.webhook_url == OURS
    assert registry.of(1).webhook_url is None
    assert not {"set_webhook_endpoint", "test_webhook"} & set(line.calls)


async def test_a_webhook_without_a_public_url_is_78(connector, application) -> None:
    assert (await refused(connector(public_url="").add(application()))).exit_code == 78
    assert (await connector(public_url="").add(application(webhook=False))).webhook_url == "/line/1"


async def test_a_url_that_line_does_not_take_is_5(connector, application, line) -> None:
    line.trouble["set_webhook_endpoint"] = LineTrouble(400, "bad_request")
    refusal = await refused(connector().add(application()))
    assert (refusal.exit_code, refusal.code, refusal.where) == (5, "webhook_url_refused", OURS)


async def test_use_webhook_off_needs_attention(connector, application, line) -> None:
    line.active = False
    connected = await connector().add(application())
    assert (connected.record.status, connected.record.reason) == ("attention", "webhook_off")
    assert connected.document()["reason"] == "webhook_off"


async def test_a_failed_webhook_test_is_repeated_and_then_needs_attention(connector, application, line) -> None:
    failed = WebhookTest(False, 0, "COULD_NOT_CONNECT", "TLS handshake failure")
    line.tests = [failed]
    assert (await connector().add(application())).record.status == "connected"
    line.tests, line.endpoint = [failed] * 3, None
    connected = await connector().add(application("2002"))
    assert (connected.record.status, connected.record.reason) == ("attention", "test_failed")
    assert "COULD_NOT_CONNECT" in connected.checks[-1].detail


async def test_a_property_of_another_type_is_refused_with_5_and_the_draft_is_taken_up(
    connector, application, hubspot, registry
) -> None:
    hubspot.report = PropertiesReport(wrong=("the contact property line_follow_1 has the type string, it must have x",))
    refusal = await refused(connector().add(application()))
    assert (refusal.exit_code, refusal.code) == (5, "property_type_wrong")
    assert "line_follow_1" in refusal.what
    assert registry.of(1).status == "draft"
    hubspot.report = PropertiesReport()
    assert (await connector().add(application())).record.number == 1


async def test_adopted_properties_are_a_warning(connector, application, hubspot) -> None:
    hubspot.report = PropertiesReport(adopted=("line_user_id_1",))
    checks = {check.name: check for check in (await connector().add(application())).checks}
    assert checks["properties"].result == "warning"
    assert "line_user_id_1" in checks["properties"].detail


async def test_hubspot_being_away_leaves_the_connection_pending(connector, application, hubspot, line) -> None:
    hubspot.report = None
    connected = await connector().add(application())
    assert connected.record.status == "properties_pending"
    assert line.endpoint.url == OURS


async def test_require_verified_refuses_unverified_accounts_with_4(connector, application, line) -> None:
    line.verified = False
    assert (await refused(connector(require_verified="1").add(application()))).code == "not_verified"
    assert (await connector().add(application())).record.verified is False
