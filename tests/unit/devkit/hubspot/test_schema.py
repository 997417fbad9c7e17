"""Properties and groups: made, found, changed, archived, restored."""

import pytest

PROPERTIES = "/crm/v3/properties/contacts"
GROUPS = f"{PROPERTIES}/groups"
DAY = 86_400_000


def text(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "line", **more}


@pytest.fixture(autouse=True)
def group(desk):
    """Every test has the group."""
    assert desk.ask("POST", GROUPS, {"name": "line", "label": "LINE", "displayOrder": -1})[0] == 201


def test_an_active_name_is_409_with_category_and_sub_category(desk):
    """The shape was observed on a live portal."""
    assert desk.send("POST", PROPERTIES, text("line_a")).headers["Location"] == f"{PROPERTIES}/line_a"
    status, body = desk.ask("POST", PROPERTIES, text("line_a"))
    assert status == 409
    assert body["category"] == "OBJECT_ALREADY_EXISTS"
    assert body["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"
    assert body["message"] == "A property named 'line_a' already exists."
    assert desk.ask("POST", GROUPS, {"name": "line", "label": "x"})[0] == 409


def test_creating_an_archived_name_restores_the_old_definition(desk):
    """201, but with the old type and creation time: the caller has to look."""
    desk.ask("POST", PROPERTIES, text("line_a"))
    created = desk.ask("GET", f"{PROPERTIES}/line_a")[1]["createdAt"]
    assert desk.ask("DELETE", f"{PROPERTIES}/line_a")[0] == 204
    assert desk.ask("GET", f"{PROPERTIES}/line_a")[0] == 404
    assert desk.ask("GET", f"{PROPERTIES}/line_a", query="archived=true")[1]["archived"] is True
    desk.now += DAY
    status, body = desk.ask("POST", PROPERTIES, text("line_a", type="datetime", fieldType="date"))
    assert (status, body["type"], body["createdAt"]) == (201, "string", created)


def test_archived_properties_are_purged_after_90_days(desk):
    """Then the name is free for another type."""
    desk.ask("POST", PROPERTIES, text("line_a"))
    desk.ask("DELETE", f"{PROPERTIES}/line_a")
    desk.now += 90 * DAY
    assert desk.ask("POST", PROPERTIES, text("line_a", type="number", fieldType="number"))[1]["type"] == "number"


def test_batches_answer_207_when_some_items_fail(desk):
    """Existing names in create, unknown ones in read; archive is always 204."""
    desk.ask("POST", PROPERTIES, text("line_a"))
    status, body = desk.ask("POST", f"{PROPERTIES}/batch/create", {"inputs": [text("line_a"), text("line_b")]})
    assert status == 207
    assert [one["name"] for one in body["results"]] == ["line_b"]
    assert body["errors"][0]["category"] == "OBJECT_ALREADY_EXISTS"
    assert body["errors"][0]["context"] == {"name": ["line_a"]}
    inputs = {"archived": False, "inputs": [{"name": "line_a"}, {"name": "nope"}]}
    status, body = desk.ask("POST", f"{PROPERTIES}/batch/read", inputs)
    assert (status, body["errors"][0]["category"]) == (207, "OBJECT_NOT_FOUND")
    assert desk.ask("POST", f"{PROPERTIES}/batch/archive", inputs)[0] == 204
    assert desk.ask("GET", f"{PROPERTIES}/line_a")[0] == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "datetime", "fieldType": "text"},
        {"type": "text"},
        {"groupName": "nowhere"},
        {"name": "Line A"},
        {"label": ""},
        {"type": "enumeration", "fieldType": "select"},
        {"type": "enumeration", "fieldType": "select", "options": [{"label": "a", "value": "a"}]},
    ],
)
def test_definitions_that_hubspot_refuses(desk, wrong):
    """400, and nothing is made."""
    assert desk.ask("POST", PROPERTIES, {**text("line_a"), **wrong})[0] == 400
    assert desk.ask("GET", f"{PROPERTIES}/line_a")[0] == 404


def test_at_most_10_unique_properties(desk):
    """Which is why connections cannot have unique LINE ids."""
    made = [desk.ask("POST", PROPERTIES, text(f"line_{n}", hasUniqueValue=True))[0] for n in range(11)]
    assert made == [201] * 10 + [400]


def test_a_change_replaces_the_options_whole_and_keeps_name_and_uniqueness(desk):
    """text -> textarea is accepted."""
    desk.ask("POST", PROPERTIES, text("line_a"))
    change = {"name": "other", "hasUniqueValue": True, "label": "B", "fieldType": "textarea"}
    status, body = desk.ask("PATCH", f"{PROPERTIES}/line_a", change)
    assert status == 200
    shown = (body["name"], body["hasUniqueValue"], body["label"], body["fieldType"])
    assert shown == ("line_a", False, "B", "textarea")


def test_what_is_in_use_or_hubspots_own_cannot_be_archived(desk):
    """The code stands as JSON text inside the message."""
    desk.ask("POST", PROPERTIES, text("line_a"))
    desk.people.use_property("line_a")
    status, body = desk.ask("DELETE", f"{PROPERTIES}/line_a")
    assert status == 400
    assert "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE" in body["message"]
    status, body = desk.ask("DELETE", f"{GROUPS}/line")
    assert status == 400
    assert "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES" in body["message"]
    assert desk.ask("DELETE", f"{PROPERTIES}/email")[0] == 400
    desk.people.use_property("line_a", "")
    desk.people.delete_property("line_a")
    assert desk.ask("DELETE", f"{GROUPS}/line")[0] == 204
    assert desk.ask("GET", f"{GROUPS}/line")[0] == 404


def test_a_deleted_property_is_unknown_to_writes_and_left_out_of_reads(desk):
    """Its values come back with it."""
    desk.ask("POST", PROPERTIES, text("line_a"))
    record = desk.contact("u1@line.me", line_a="x")
    desk.people.delete_property("line_a")
    status, body = desk.batch("update", [{"id": record, "properties": {"line_a": "y"}}])
    assert (status, body["errors"][0]["code"]) == (400, "PROPERTY_DOESNT_EXIST")
    assert "line_a" not in desk.batch("read", [{"id": record}], properties=["line_a"])[1]["results"][0]["properties"]
    desk.ask("POST", PROPERTIES, text("line_a"))
    shown = desk.batch("read", [{"id": record}], properties=["line_a"])[1]["results"][0]["properties"]
    assert shown["line_a"] == "x"


def test_the_limits_count_custom_properties(desk):
    """Account and object have their own limits."""
    desk.ask("POST", PROPERTIES, text("line_a"))
    body = desk.ask("GET", "/crm/v3/limits/custom-properties")[1]
    assert (body["overallLimit"], body["overallUsage"]) == (10_000, 1)
    assert body["byObjectType"] == [{"objectTypeId": "0-1", "limit": 1_000, "usage": 1, "percentage": 0.1}]
    assert desk.ask("GET", "/crm/v3/limits/records")[0] == 200
