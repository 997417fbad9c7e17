"""What is put into a page is escaped."""

from __future__ import annotations

import pytest

from web.language import ENGLISH, texts_for
from web.markup import Markup, facts, render, table, text_of


def test_text_is_escaped_and_markup_is_not() -> None:
    assert text_of('<a href="x">\'') == "&lt;a href=&quot;x&quot;&gt;&#x27;"
    assert text_of(Markup("<b>")) == "<b>"
    assert text_of(None) == ""


def test_cells_and_facts_are_escaped() -> None:
    assert "<td>&lt;x&gt;</td>" in table(["head"], [["<x>"]])
    assert facts([("<n>", "<v>"), ("left out", None)]) == "<dl><dt>&lt;n&gt;</dt><dd>&lt;v&gt;</dd></dl>"


def test_a_dollar_in_a_value_is_no_place() -> None:
    assert "$title" in render("problem", title="$title", detail="", help="")


def test_a_place_without_a_value_is_a_bug() -> None:
    with pytest.raises(KeyError):
        render("problem", title="only")


def test_every_language_has_every_word() -> None:
    for language in ("ja", "en"):
        assert set(texts_for(language)) == set(ENGLISH)  # type: ignore[arg-type]  # the two that there are
