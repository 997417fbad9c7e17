"""The seven properties, exactly."""

from __future__ import annotations

import pytest

from domain.contact_properties import GROUP_LABEL, connection_properties, is_instant, number_of, numbers_of
from domain.projection import names_of


def test_names_labels_and_types() -> None:
    """The table of DESIGN 4.2; the blanks around `_` belong to the labels."""
    shown = [(one.name, one.label, one.type, one.field_type) for one in connection_properties(3)]
    assert shown == [
        ("line_user_id_3", "LINE User ID _ 3", "string", "text"),
        ("line_user_name_3", "LINE User Name _ 3", "string", "text"),
        ("line_user_picture_3", "LINE User Picture _ 3", "string", "text"),
        ("line_follow_3", "LINE Follow _ 3", "enumeration", "booleancheckbox"),
        ("line_id_sync_date_3", "LINE ID Sync Date _ 3", "datetime", "date"),
        ("line_unanswered_3", "LINE Unanswered _ 3", "enumeration", "booleancheckbox"),
        ("line_last_response_3", "LINE Last Response _ 3", "string", "textarea"),
    ]
    assert GROUP_LABEL == "LINE"


def test_choices_are_yes_and_no() -> None:
    """Values true and false, labels Yes and No."""
    assert [one.options for one in connection_properties(1) if one.options] == [(("true", "Yes"), ("false", "No"))] * 2


def test_the_projection_writes_these_and_no_others() -> None:
    """One list of names, in two rooms."""
    assert list(names_of("12")) == [one.name for one in connection_properties(12)]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("line_user_id_1", 1),
        ("line_follow_50", 50),
        ("line_user_id_0", None),
        ("email", None),
        ("line_user_id_x", None),
    ],
)
def test_a_name_tells_its_connection(name: str, number: int | None) -> None:
    """Only names of ours."""
    assert number_of(name) == number


def test_all_connections_of_some_names() -> None:
    """Ascending, each once."""
    assert numbers_of(["line_follow_2", "line_user_id_1", "line_user_id_2", "email"]) == (1, 2)


def test_only_the_sync_date_is_an_instant() -> None:
    """The other values are texts and choices."""
    assert [one.name for one in connection_properties(1) if is_instant(one.name)] == ["line_id_sync_date_1"]
