"""The batch calls answer in the documented shapes, with and without trace ids."""

from typing import Any

import pytest


def trace(number: int, **given: Any) -> dict[str, Any]:
    return {"objectWriteTraceId": f"t-{number}", **given}


def test_create_answers_201_in_another_order_with_the_trace_ids(desk):
    """Results are matched by trace id, never by position."""
    inputs = [trace(n, properties={"email": f"U{n}@LINE.me"}) for n in range(30)]
    status, body = desk.batch("create", inputs)
    assert status == 201
    order = [one["objectWriteTraceId"] for one in body["results"]]
    assert sorted(order) == sorted(one["objectWriteTraceId"] for one in inputs)
    assert order != [one["objectWriteTraceId"] for one in inputs]
    by_trace = {one["objectWriteTraceId"]: one["properties"] for one in body["results"]}
    assert by_trace["t-3"]["email"] == "u3@line.me"
    assert by_trace["t-3"]["lifecyclestage"] == "lead"


def test_a_conflict_with_a_trace_id_is_an_item_that_names_the_existing_contact(desk):
    """This is what makes a create idempotent."""
    existing = desk.contact("u1@line.me")
    status, body = desk.batch(
        "create",
        [trace(1, properties={"email": "U1@line.me"}), trace(2, properties={"email": "u2@line.me"})],
    )
    assert status == 207
    assert [one["objectWriteTraceId"] for one in body["results"]] == ["t-2"]
    assert body["numErrors"] == 1
    assert body["errors"] == [
        {
            "status": "error",
            "category": "CONFLICT",
            "message": f"Contact already exists. Existing ID: {existing}",
            "context": {"objectWriteTraceId": ["t-1"], "existingId": [existing]},
        }
    ]


def test_a_conflict_without_trace_id_fails_the_whole_create(desk):
    """Nothing is written then, and the id stands only in the message."""
    existing = desk.contact("u1@line.me")
    status, body = desk.batch(
        "create", [{"properties": {"email": "u2@line.me"}}, {"properties": {"email": "u1@line.me"}}]
    )
    assert status == 409
    assert body["message"] == f"Contact already exists. Existing ID: {existing}"
    assert body["category"] == "CONFLICT"
    assert body["correlationId"]
    assert len(desk.people.contacts()) == 1


def test_the_same_new_email_twice_is_created_once(desk):
    """The second one of the batch conflicts with the first."""
    status, body = desk.batch("create", [trace(n, properties={"email": "u1@line.me"}) for n in range(2)])
    assert status == 207
    assert body["errors"][0]["context"]["existingId"] == [body["results"][0]["id"]]


@pytest.mark.parametrize("verb", ["create", "update", "upsert"])
def test_an_unknown_property_fails_the_item_or_without_trace_id_the_request(desk, verb):
    """The details are JSON text inside the message; a whole request also has them in `errors`."""
    record = desk.contact("u1@line.me")
    given = {
        "create": {"properties": {"email": "u9@line.me", "nope": "1"}},
        "update": {"id": record, "properties": {"nope": "1"}},
        "upsert": {"id": "u1@line.me", "idProperty": "email", "properties": {"nope": "1"}},
    }[verb]
    status, body = desk.batch(verb, [trace(1, **given)])
    assert status == 207
    error = body["errors"][0]
    assert error["category"] == "VALIDATION_ERROR"
    assert error["context"] == {"objectWriteTraceId": ["t-1"]}
    assert '"error":"PROPERTY_DOESNT_EXIST","name":"nope"' in error["message"]
    assert "errors" not in error
    status, body = desk.batch(verb, [given])
    assert status == 400
    assert body["errors"] == [
        {
            "message": 'Property "nope" does not exist',
            "code": "PROPERTY_DOESNT_EXIST",
            "context": {"propertyName": ["nope"]},
        }
    ]


def test_update_reports_all_missing_ids_in_one_error(desk):
    """Deleted and never existing ids look alike; the rest is written."""
    live, deleted = desk.contact("u1@line.me"), desk.contact("u2@line.me")
    desk.people.delete_contact(deleted)
    inputs = [trace(n, id=key, properties={"firstname": "x"}) for n, key in enumerate([live, deleted, "17"])]
    status, body = desk.batch("update", inputs)
    assert status == 207
    assert [one["id"] for one in body["results"]] == [live]
    assert body["numErrors"] == 1
    assert body["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert body["errors"][0]["context"] == {"ids": [deleted, "17"], "objectWriteTraceId": ["t-1", "t-2"]}


def test_update_of_a_merged_away_id_is_silently_missing(desk):
    """200, no error, no result: only a read of the old id tells where it went."""
    primary, other = desk.contact("u1@line.me"), desk.contact("u2@line.me")
    survivor = desk.people.merge_contacts(primary, other)
    status, body = desk.batch("update", [trace(1, id=other, properties={"firstname": "x"})])
    assert (status, body["results"]) == (200, [])
    assert "errors" not in body
    assert survivor.properties.get("firstname") is None
    status, body = desk.batch("read", [{"id": other}], properties=["email"])
    assert status == 200
    assert [one["id"] for one in body["results"]] == [survivor.id]


def test_update_by_an_email_as_id_changes_nothing_and_says_nothing(desk):
    """And with idProperty=email it is refused as non-unique."""
    record = desk.contact("u1@line.me")
    status, body = desk.batch("update", [trace(1, id="u1@line.me", properties={"firstname": "x"})])
    assert (status, body["results"]) == (200, [])
    assert desk.value(record, "firstname") is None
    for name in ("email", "hs_object_id"):
        status, body = desk.batch("update", [trace(1, id="u1@line.me", idProperty=name, properties={})])
        assert status == 400
        assert body["message"] == f"Unable to perform update/upsert by non-unique 0-1 property {name}"


@pytest.mark.parametrize("verb", ["update", "read"])
def test_the_same_id_twice_refuses_the_whole_batch(desk, verb):
    """Trace ids do not help."""
    record = desk.contact("u1@line.me")
    status, body = desk.batch(verb, [trace(n, id=record, properties={}) for n in range(2)])
    assert status == 400
    assert body["message"] == f"Duplicate IDs found in batch input: [{record}]. IDs must be unique"
    assert body["context"] == {"ids": [record]}


def test_upserts_that_resolve_to_one_contact_are_duplicates(desk):
    """A primary and an additional address of one contact, or one address in two spellings."""
    primary, other = desk.contact("u1@line.me"), desk.contact("u2@line.me")
    desk.people.merge_contacts(primary, other)
    for keys in (["u1@line.me", "u2@line.me"], ["new@line.me", "NEW@line.me"]):
        inputs = [trace(n, id=key, idProperty="email", properties={}) for n, key in enumerate(keys)]
        assert desk.batch("upsert", inputs)[0] == 400


@pytest.mark.parametrize("verb", ["read", "create", "update", "upsert", "archive"])
def test_more_than_100_inputs_are_refused(desk, verb):
    """100 is the limit of every batch."""
    inputs = [{"id": str(n), "idProperty": "email", "properties": {"email": f"u{n}@line.me"}} for n in range(101)]
    assert desk.batch(verb, inputs)[0] == 400


@pytest.mark.parametrize("verb", ["read", "create", "update", "upsert"])
def test_a_body_without_inputs_succeeds_with_nothing(desk, verb):
    """An empty success is what HubSpot says to a malformed batch."""
    status, body = desk.ask("POST", f"/crm/v3/objects/contacts/batch/{verb}", {"input": []})
    assert status in (200, 201)
    assert body["results"] == []


@pytest.mark.parametrize("value", [True, 1, {"a": "b"}, ["x"]])
def test_values_that_are_no_texts_refuse_the_whole_batch(desk, value):
    """A JSON boolean or number is a 400, trace id or not."""
    record = desk.contact("u1@line.me")
    assert desk.batch("update", [trace(1, id=record, properties={"firstname": value})])[0] == 400


def test_upsert_says_what_is_new_and_finds_additional_addresses(desk):
    """It always creates what it does not find."""
    primary, other = desk.contact("u1@line.me"), desk.contact("u2@line.me")
    survivor = desk.people.merge_contacts(primary, other)
    inputs = [
        trace(1, id="u2@line.me", idProperty="email", properties={"firstname": "x"}),
        trace(2, id="U3@line.me", idProperty="email", properties={"firstname": "y"}),
    ]
    status, body = desk.batch("upsert", inputs)
    assert status == 200
    by_trace = {one["objectWriteTraceId"]: one for one in body["results"]}
    assert (by_trace["t-1"]["id"], by_trace["t-1"]["new"]) == (survivor.id, False)
    assert by_trace["t-2"]["new"] is True
    assert desk.value(by_trace["t-2"]["id"], "email") == "u3@line.me"


def test_read_by_email_matches_additional_addresses_and_groups_the_missing(desk):
    """The answered e-mail differs from the one asked for; missing ones are named as asked."""
    primary, other = desk.contact("u1@line.me"), desk.contact("u2@line.me")
    survivor = desk.people.merge_contacts(primary, other)
    inputs = [{"id": "u2@line.me"}, {"id": "u8@line.me"}, {"id": "u9@line.me"}]
    status, body = desk.batch("read", inputs, idProperty="email", properties=["email", "unknown_name", "company"])
    assert status == 207
    assert body["results"][0]["id"] == survivor.id
    shown = body["results"][0]["properties"]
    assert (shown["email"], shown["company"], "unknown_name" in shown) == ("u1@line.me", None, False)
    assert body["errors"][0]["context"] == {"ids": ["u8@line.me", "u9@line.me"]}


def test_archive_is_always_204_and_archived_ones_are_read_apart(desk):
    """`archived=true` shows only archived ones, with the time."""
    live, gone = desk.contact("u1@line.me"), desk.contact("u2@line.me")
    assert desk.batch("archive", [{"id": gone}, {"id": "17"}]) == (204, None)
    status, body = desk.batch("read", [{"id": live}, {"id": gone}], "archived=true", properties=[])
    assert status == 207
    assert [(one["id"], one["archived"]) for one in body["results"]] == [(gone, True)]
    assert body["results"][0]["archivedAt"].endswith("Z")
    assert body["errors"][0]["context"] == {"ids": [live]}


def test_update_answers_only_what_was_touched(desk):
    """State is never read out of a write's answer."""
    record = desk.contact("u1@line.me", firstname="a", company="c")
    status, body = desk.batch("update", [trace(1, id=record, properties={"firstname": "b", "company": ""})])
    assert status == 200
    shown = body["results"][0]["properties"]
    assert set(shown) == {"firstname", "company", "createdate", "hs_object_id", "lastmodifieddate"}
    assert (shown["firstname"], shown["company"]) == ("b", None)


def test_a_unique_property_is_a_key_and_its_value_can_be_taken_only_once(desk):
    """CONFLICTING_UNIQUE_VALUE is a validation error, not a conflict."""
    definition = {"name": "line_key", "label": "k", "type": "string", "fieldType": "text", "hasUniqueValue": True}
    assert desk.ask("POST", "/crm/v3/properties/contacts", {**definition, "groupName": "contactinformation"})[0] == 201
    first, second = desk.contact("u1@line.me", line_key="K"), desk.contact("u2@line.me")
    status, body = desk.batch("update", [trace(1, id=second, properties={"line_key": "K"})])
    assert status == 207
    assert "CONFLICTING_UNIQUE_VALUE" in body["errors"][0]["message"]
    status, body = desk.batch("update", [trace(1, id="K", idProperty="line_key", properties={"firstname": "x"})])
    assert [one["id"] for one in body["results"]] == [first]
    status, body = desk.batch("read", [{"id": "K"}], idProperty="line_key")
    assert [one["id"] for one in body["results"]] == [first]
