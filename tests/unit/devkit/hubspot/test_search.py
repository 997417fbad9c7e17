"""Search is late, limited and particular."""

import pytest

SEARCH = "/crm/v3/objects/contacts/search"


def found(desk, *filters, **more):
    body = {"filterGroups": [{"filters": list(filters)}], "properties": ["email"], **more}
    status, answer = desk.ask("POST", SEARCH, body)
    assert status == 200, answer
    return [one["properties"]["email"] for one in answer["results"]]


def eq(name, value, operator="EQ"):
    return {"propertyName": name, "operator": operator, "value": value}


def test_a_write_is_found_only_after_the_lag(desk):
    """Search-then-create makes duplicates."""
    record = desk.contact("u1@line.me", company="a")
    assert found(desk, eq("email", "u1@line.me")) == []
    desk.now += desk.account.options.search_lag
    assert found(desk, eq("email", "U1@line.me")) == ["u1@line.me"]
    desk.people.delete_contact(record)
    assert found(desk, eq("company", "a")) == ["u1@line.me"]
    desk.now += desk.account.options.search_lag
    assert found(desk, eq("company", "a")) == []


def test_operators(desk):
    """IN compares text in lower case, so an upper-case id does not match; EQ does."""
    desk.account.options.search_lag = 0
    desk.account.options.search_limit = 0
    desk.contact("a@line.me", company="Uabc", date_of_birth="2000-01-01")
    desk.contact("b@line.me", company="Uxyz", date_of_birth="2001-01-01")
    desk.contact("c@line.me")
    desk.now += 1
    assert found(desk, eq("company", "Uabc")) == ["a@line.me"]
    assert found(desk, {"propertyName": "company", "operator": "IN", "values": ["Uabc"]}) == []
    assert found(desk, {"propertyName": "company", "operator": "IN", "values": ["uabc"]}) == ["a@line.me"]
    assert found(desk, {"propertyName": "company", "operator": "HAS_PROPERTY"}) == ["a@line.me", "b@line.me"]
    assert found(desk, {"propertyName": "company", "operator": "NOT_HAS_PROPERTY"}) == ["c@line.me"]
    assert found(desk, eq("date_of_birth", "2000-06-01", "GT")) == ["b@line.me"]
    between = {**eq("date_of_birth", "1999-01-01", "BETWEEN"), "highValue": "2000-06-01"}
    assert found(desk, between) == ["a@line.me"]
    assert found(desk, eq("email", "line.me", "CONTAINS_TOKEN"), sorts=["-email"])[0] == "c@line.me"
    assert found(desk, query="uxyz") == ["b@line.me"]


def test_additional_emails_are_found_only_by_their_own_property(desk):
    """Unlike a batch read by e-mail."""
    desk.account.options.search_lag = 0
    desk.people.merge_contacts(desk.contact("u1@line.me"), desk.contact("u2@line.me"))
    desk.now += 1
    assert found(desk, eq("email", "u2@line.me")) == []
    assert found(desk, eq("hs_additional_emails", "u2@line.me", "CONTAINS_TOKEN")) == ["u1@line.me"]


def test_pages(desk):
    """`total` counts all, `after` is a position."""
    desk.account.options.search_lag = 0
    for number in range(5):
        desk.contact(f"u{number}@line.me")
    desk.now += 1
    body = desk.ask("POST", SEARCH, {"limit": 2})[1]
    assert (body["total"], body["paging"]["next"]["after"], len(body["results"])) == (5, "2", 2)
    body = desk.ask("POST", SEARCH, {"limit": 2, "after": "4"})[1]
    assert (len(body["results"]), "paging" in body) == (1, False)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9900"},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [eq("email", "x")] * 7}]},
        {"filterGroups": [{"filters": [eq("nope", "x")]}]},
        {"filterGroups": [{"filters": [eq("email", "x", "LIKE")]}]},
        {"sorts": ["email", "lastname"]},
        {"query": "x" * 3_001},
    ],
)
def test_limits_of_a_search(desk, body):
    """Each is a 400."""
    assert desk.ask("POST", SEARCH, body)[0] == 400


def test_five_searches_a_second_with_daily_headers_only(desk):
    """The second shape of a 429; other calls are not held up."""
    replies = [desk.send("POST", SEARCH, {}) for _ in range(6)]
    assert [one.status for one in replies] == [200] * 5 + [429]
    assert b'"category":"RATE_LIMITS"' in replies[-1].body
    assert "X-HubSpot-RateLimit-Daily" in replies[0].headers
    assert "X-HubSpot-RateLimit-Max" not in replies[0].headers
    assert desk.ask("GET", "/crm/v3/objects/contacts")[0] == 200
    desk.now += 1_000
    assert desk.ask("POST", SEARCH, {})[0] == 200
