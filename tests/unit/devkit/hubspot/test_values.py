"""Which values a property takes and how they are stored."""

import pytest

from devkit.hubspot.definitions import Definition
from devkit.hubspot.values import Problem, normal, normal_email

OPTIONS = [{"label": "Yes", "value": "true", "hidden": False}, {"label": "No", "value": "false", "hidden": False}]


def definition(kind: str, field_type: str = "text") -> Definition:
    return Definition("p", "P", kind, field_type, "g", options=OPTIONS if kind == "enumeration" else [])


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("string", " kept as it is ", " kept as it is "),
        ("string", "x" * 65_536, "x" * 65_536),
        ("datetime", "2026-10-20T03:11:22.123Z", "2026-10-20T03:11:22.123Z"),
        ("datetime", "2026-10-20T12:11:22+09:00", "2026-10-20T03:11:22Z"),
        ("datetime", "1792465882123", "2026-10-20T03:11:22.123Z"),
        ("date", "2026-10-20", "2026-10-20"),
        ("date", "1792454400000", "2026-10-20"),
        ("enumeration", "true", "true"),
        ("bool", "false", "false"),
        ("number", "-1.5e3", "-1.5e3"),
        ("enumeration", "", ""),
    ],
)
def test_valid_values_are_stored_in_one_form(kind, value, stored):
    """Instants become ISO 8601 in UTC, an empty text clears."""
    assert normal(definition(kind), value, 65_536) == stored


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("string", "x" * 65_537, "VALUE_TOO_LONG"),
        ("datetime", "yesterday", "INVALID_DATE"),
        ("date", "1792454400001", "INVALID_DATE"),
        ("enumeration", "1", "INVALID_OPTION"),
        ("enumeration", "Yes", "INVALID_OPTION"),
        ("enumeration", "True", "INVALID_OPTION"),
        ("bool", "yes", "INVALID_OPTION"),
        ("number", "1,5", "INVALID_NUMBER"),
        ("number", "1 ", "LEADING_TRAILING_WHITESPACE"),
        ("datetime", " 1792465882123", "LEADING_TRAILING_WHITESPACE"),
        ("enumeration", "true\u200b", "LEADING_TRAILING_WHITESPACE"),
    ],
)
def test_wrong_values_have_a_code(kind, value, code):
    """Blanks at an end are wrong for everything but text."""
    with pytest.raises(Problem) as raised:
        normal(definition(kind), value, 65_536)
    assert raised.value.code == code


def test_a_bad_option_names_the_allowed_ones():
    """So a log line is enough to mend it."""
    with pytest.raises(Problem, match=r"maybe was not one of the allowed options: \[true, false\]"):
        normal(definition("enumeration", "booleancheckbox"), "maybe", 65_536)


def test_checkboxes_take_several_options():
    """Separated and possibly led by semicolons."""
    assert normal(definition("enumeration", "checkbox"), ";true;false", 65_536) == "true;false"


def test_a_dummy_address_of_line_is_valid_in_any_case_of_letters():
    """It is stored lower-cased."""
    assert normal_email("U" + "0123456789ABCDEF" * 2 + "@line.me") == "u" + "0123456789abcdef" * 2 + "@line.me"


@pytest.mark.parametrize(
    "address",
    [
        "u1@line",
        "u1",
        "@line.me",
        "a b@line.me",
        "u1@line.me ",
        "u1@li_ne.me",
        "u1@host.test",
        "u..1@line.me",
        "x" * 65 + "@line.me",
    ],
)
def test_malformed_addresses_are_refused(address):
    """So are top level domains that do not exist."""
    with pytest.raises(Problem) as raised:
        normal_email(address)
    assert raised.value.code == "INVALID_EMAIL"
