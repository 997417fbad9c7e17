"""Whose answer is it? Never by order."""

from __future__ import annotations

from typing import Any

from domain.batch_answers import Asked, BatchAnswer, Found, ItemError, share


def answer(*found: Found, errors: tuple[ItemError, ...] = ()) -> BatchAnswer:
    return BatchAnswer(status=207 if errors else 200, found=found, errors=errors)


def one(trace: str, **given: Any) -> Asked:
    return Asked(trace=trace, **given)


TWO = [one("a", id="1"), one("b", id="2")]


def test_results_in_any_order_find_their_inputs() -> None:
    """By trace id, else by record id."""
    first, second = Found(id="2", trace="b"), Found(id="1")
    items = share(answer(first, second), TWO, traced=True)
    assert [item.found and item.found.id for item in items] == ["1", "2"]


def test_one_grouped_error_names_several() -> None:
    """OBJECT_NOT_FOUND lists all ids in one error."""
    gone = ItemError(category="OBJECT_NOT_FOUND", ids=("1", "2"))
    items = share(answer(errors=(gone,)), TWO, traced=True)
    assert [item.error for item in items] == [gone, gone]


def test_an_error_with_an_empty_id_is_matched_by_trace() -> None:
    """Observed: `ids` may be `[""]`."""
    gone = ItemError(category="OBJECT_NOT_FOUND", ids=("",), traces=("b",))
    items = share(answer(Found(id="1"), errors=(gone,)), TWO, traced=True)
    assert items[0].found is not None
    assert items[1].error is gone


def test_what_is_silently_missing_is_neither_found_nor_refused() -> None:
    """As a merged-away id in batch/update."""
    items = share(answer(Found(id="1")), TWO, traced=True)
    assert items[1].found is None
    assert items[1].error is None
    assert not items[1].unsure


def test_a_survivor_answers_for_the_ids_it_swallowed() -> None:
    """Two merged ids may share one result."""
    survivor = Found(id="9", properties={"hs_merged_object_ids": "1;2"})
    items = share(answer(survivor), TWO, traced=False)
    assert [item.found and item.found.id for item in items] == ["9", "9"]


def test_merged_ids_with_times_are_read() -> None:
    """`hs_calculated_merged_vids` has `id:time`."""
    survivor = Found(id="9", properties={"hs_calculated_merged_vids": "1:1700000000000;9:1700000000000"})
    assert survivor.swallowed == {"1"}


def test_one_stranger_for_one_open_input_is_its_survivor() -> None:
    """The only way it can be meant."""
    items = share(answer(Found(id="1"), Found(id="9")), TWO, traced=False)
    assert items[1].found is not None
    assert items[1].found.id == "9"


def test_strangers_for_several_inputs_make_them_unsure() -> None:
    """Order proves nothing."""
    items = share(answer(Found(id="8"), Found(id="9")), TWO, traced=False)
    assert all(item.unsure for item in items)


def test_an_error_that_names_nobody_makes_the_open_ones_unsure() -> None:
    """The answered ones stay answered; a single open one owns it."""
    stray = ItemError(category="VALIDATION_ERROR")
    three = [*TWO, one("c", id="3")]
    items = share(answer(Found(id="1"), errors=(stray,)), three, traced=True)
    assert [item.unsure for item in items] == [False, True, True]
    items = share(answer(Found(id="1"), errors=(stray,)), TWO, traced=True)
    assert items[1].error is stray


def test_reads_by_email_match_secondary_addresses() -> None:
    """The primary one may have been edited."""
    contact = Found(id="5", properties={"email": "new@example.com", "hs_additional_emails": "x@y.z;U1@LINE.me"})
    gone = ItemError(category="OBJECT_NOT_FOUND", ids=("u2@line.me",))
    items = share(
        answer(contact, errors=(gone,)), [one("a", email="u1@line.me"), one("b", email="u2@line.me")], traced=False
    )
    assert items[0].found is contact
    assert items[1].error is gone
