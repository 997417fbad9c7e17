"""Tokens, scopes, limits and ordered trouble, and what the log says about them."""

import orjson
import pytest

from devkit.hubspot.faults import Fault
from devkit.hubspot.front_door import Request

CONTACTS = "/crm/v3/objects/contacts"
DETAILS = "/account-info/v3/details"


def body_of(reply):
    return orjson.loads(reply.body)


def test_without_a_valid_token_401(desk):
    """Unknown, withdrawn and absent ones alike."""
    assert desk.send("GET", DETAILS, token="other").status == 401
    desk.account.access.withdraw()
    reply = desk.send("GET", DETAILS)
    assert (reply.status, body_of(reply)["category"]) == (401, "INVALID_AUTHENTICATION")
    assert body_of(reply)["correlationId"] == reply.headers["X-HubSpot-Correlation-Id"]
    desk.account.access.restore()
    assert desk.send("GET", DETAILS).status == 200


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("crm.objects.contacts.write", "POST", f"{CONTACTS}/batch/update"),
        ("crm.objects.contacts.read", "POST", f"{CONTACTS}/batch/read"),
        ("crm.schemas.contacts.write", "POST", "/crm/v3/properties/contacts"),
    ],
)
def test_a_missing_scope_is_403_and_named(desk, scope, method, path):
    """The object scope is not enough to make properties."""
    desk.account.access.withdraw_scope(scope)
    reply = desk.send(method, path, {})
    assert (reply.status, body_of(reply)["category"]) == (403, "MISSING_SCOPES")
    assert body_of(reply)["errors"][0]["context"]["requiredGranularScopes"] == [scope]


def test_limits_need_any_object_scope(desk):
    """Schema scopes alone are refused."""
    desk.account.access.issue("pat-schema", ["crm.schemas.contacts.read"])
    assert desk.send("GET", "/crm/v3/limits/records", token="pat-schema").status == 403
    assert desk.send("GET", DETAILS, token="pat-schema").status == 200


def test_the_burst_limit_is_a_rolling_window_per_app(desk):
    """Refused calls do not count, and another app has its own window."""
    desk.account.options.burst_limit = 3
    desk.account.access.issue("pat-other")
    replies = [desk.send("GET", DETAILS) for _ in range(4)]
    assert [one.status for one in replies] == [200, 200, 200, 429]
    assert replies[0].headers["X-HubSpot-RateLimit-Max"] == "3"
    assert [one.headers["X-HubSpot-RateLimit-Remaining"] for one in replies] == ["2", "1", "0", "0"]
    refused = body_of(replies[3])
    assert (refused["errorType"], refused["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert "Retry-After" not in replies[3].headers
    assert desk.send("GET", DETAILS, token="pat-other").status == 200
    desk.now += 9_999
    assert desk.send("GET", DETAILS).status == 429
    desk.now += 1
    assert desk.send("GET", DETAILS).status == 200


def test_the_day_ends_at_midnight_of_the_portal(desk):
    """The usage call tells when, and counts all apps."""
    desk.account.options.daily_limit = 2
    desk.now = 1_792_465_882_123  # 2026-10-20 12:11 in Tokyo
    usage = desk.ask("GET", "/account-info/v3/api-usage/daily/private-apps")[1]["results"][0]
    assert (usage["currentUsage"], usage["usageLimit"]) == (1, 2)
    assert usage["resetsAt"] == "2026-10-20T15:00:00.000Z"
    assert desk.send("GET", DETAILS).status == 200
    refused = desk.send("GET", DETAILS)
    assert (refused.status, body_of(refused)["policyName"]) == (429, "DAILY")
    desk.now = 1_792_508_400_000
    assert desk.send("GET", DETAILS).status == 200


def test_details_and_token_info(desk):
    """The first calls of a connection test."""
    details = desk.ask("GET", DETAILS)[1]
    assert details["utcOffset"] == "+09:00"
    assert {"portalId", "timeZone", "uiDomain", "accountType", "utcOffsetMilliseconds"} <= set(details)
    path = "/oauth/v2/private-apps/get/access-token-info"
    status, info = desk.ask("POST", path, {"tokenKey": "pat-test"})
    assert (status, info["hubId"]) == (200, details["portalId"])
    assert "crm.objects.contacts.write" in info["scopes"]
    assert desk.ask("POST", path, {"tokenKey": "x"})[0] == 404


@pytest.mark.parametrize(
    "path",
    ["/crm/objects/2026-03/contacts", "/crm/objects/2026-09/0-1", "/crm/v3/objects/0-1", "/crm/v3/objects/contact"],
)
def test_dated_twins_and_type_ids_mean_the_same(desk, path):
    """The version is one setting of a client."""
    assert desk.ask("POST", path, {"properties": {"email": "u1@line.me"}})[0] == 201
    assert desk.ask("GET", "/crm/properties/2026-03/contacts/email")[0] == 200
    assert desk.ask("GET", "/account-info/2026-03/details")[0] == 200


def test_unknown_paths_methods_and_broken_json(desk):
    """404, 405 and 400, all with a correlation id."""
    assert desk.ask("GET", "/crm/v3/objects/deals")[0] == 404
    assert desk.ask("PUT", CONTACTS)[0] == 405
    broken = desk.door.handle(Request("POST", CONTACTS, "", "Bearer pat-test", b"{"), desk.now)
    assert broken.status == 400
    assert body_of(broken)["message"].startswith("Invalid input JSON")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(502, b"<html>"), (423, b"locked"), (477, b"data center"), (429, b"TEN_SECONDLY_ROLLING")],
)
def test_scripted_answers_have_the_documented_body_and_apply_nothing(desk, status, expected):
    """They count down, and only calls of that name fall under them."""
    record = desk.contact("u1@line.me")
    desk.door.faults.answer_next("batch/update", status, times=2)
    inputs = {"inputs": [{"id": record, "properties": {"firstname": "x"}}]}
    assert desk.send("GET", DETAILS).status == 200
    replies = [desk.send("POST", f"{CONTACTS}/batch/update", inputs) for _ in range(3)]
    assert [one.status for one in replies] == [status, status, 200]
    assert expected in replies[0].body
    assert ("Retry-After" in replies[0].headers) == (status == 477)
    assert desk.account.portal.contacts.records[record].writes == 2  # its creation and the third call


@pytest.mark.parametrize(
    ("effect", "answered", "applied"),
    [
        ("timeout", False, False),
        ("drop", False, False),
        ("apply-then-timeout", False, True),
        ("apply-then-drop", False, True),
        ("apply-then-answer", True, True),
        ("answer", True, False),
    ],
)
def test_every_effect_says_whether_it_was_applied_and_answered(desk, effect, answered, applied):
    """The log keeps the truth that the caller does not see."""
    desk.door.faults.order(Fault(effect=effect, call="batch/*", status=502, delay_ms=5_000))
    inputs = {"inputs": [{"objectWriteTraceId": "t", "properties": {"email": "u1@line.me"}}]}
    reply = desk.send("POST", f"{CONTACTS}/batch/create", inputs)
    assert (reply.answered, reply.status) == (answered, 502 if answered else 0)
    assert reply.delay_ms == (5_000 if effect.endswith("timeout") else 0)
    assert len(desk.people.contacts()) == int(applied)
    entry = desk.door.log.entries[-1]
    assert (entry.applied, entry.fault, entry.traces, len(entry.written)) == (applied, effect, ["t"], int(applied))


def test_a_call_can_be_carried_out_after_its_connection_is_gone(desk):
    """HubSpot applying a timed-out create late."""
    desk.door.faults.apply_late("batch/create", delay_ms=800)
    reply = desk.send("POST", f"{CONTACTS}/batch/create", {"inputs": [{"properties": {"email": "u1@line.me"}}]})
    assert (reply.answered, reply.late_ms, desk.people.contacts()) == (False, 800, [])
    desk.now += 800
    assert reply.late is not None
    reply.late(desk.now)
    assert [one.created_at for one in desk.people.contacts()] == [desk.now]
    assert desk.door.log.entries[-1].applied


def test_faults_can_skip_calls_and_aim_at_one_text(desk):
    """One friend's write fails, the others go through."""
    desk.door.faults.order(Fault(call="create", status=500, skip=1, containing="u2@", times=None))
    statuses = [_create(desk, f"u{number}@line.me") for number in (1, 2, 3, 2)]
    assert statuses == [201, 201, 201, 500]
    desk.door.faults.clear()
    assert _create(desk, "u2@line.me") == 409


def _create(desk, email):
    return desk.send("POST", CONTACTS, {"properties": {"email": email}}).status


def test_latency_adds_up(desk):
    """Fixed and random parts, for some calls."""
    desk.door.faults.add_latency(fixed_ms=100, random_ms=50, call="list")
    assert 100 <= desk.send("GET", CONTACTS).delay_ms <= 150
    assert desk.send("GET", DETAILS).delay_ms == 0


def test_the_log_counts_by_name_and_status(desk):
    """And keeps ids, trace ids and what was written."""
    record = desk.contact("u1@line.me")
    desk.batch("update", [{"id": record, "objectWriteTraceId": "t", "properties": {}}, {"id": "17", "properties": {}}])
    assert desk.door.log.by_name() == {"batch/update": {"207": 1}, "create": {"201": 1}}
    assert desk.door.log.count("batch/update") == 1
    entry = desk.door.log.entries[-1]
    assert (entry.ids, entry.traces, entry.written, entry.number) == ([record, "17"], ["t"], [record], 2)
