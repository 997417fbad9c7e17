"""The laws name code that is there and tests that exist, and docs/laws.md says what they say."""

from __future__ import annotations

import ast

import pytest

from tests.sabotage.codebook import LAWS
from tests.sabotage.law import ROOT, Law
from tests.sabotage.page import PAGE, page

NAMES = [law.name for law in LAWS]


def test_each_law_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("law", LAWS, ids=NAMES)
def test_the_place_that_keeps_a_law_is_in_the_code_once(law: Law) -> None:
    """Whoever rewrites such a place names the new one in tests/sabotage/laws, else nobody knows that it is kept."""
    assert [(edit.path, edit.old, edit.found(ROOT)) for edit in law.edits if edit.found(ROOT) != 1] == []
    assert law.edits


@pytest.mark.parametrize("law", [law for law in LAWS if law.command is None], ids=lambda law: law.name)
def test_the_named_test_exists(law: Law) -> None:
    path, _, name = law.test.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name.partition("[")[0] in functions


def test_the_page_of_laws_is_what_the_laws_say() -> None:
    assert PAGE.read_text() == page(), "make sabotage ARGS=--write"
