"""Which letters a verb takes, and what it shows of one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cli import deadletters
from cli.deadletters import _chosen, content_of, line_of
from domain.dead_letters import Letter, LetterBook, Place
from runtime.refusal import NOT_FOUND, USAGE, Refusal
from schemas.dead_letters import dead_letter_headers

FRIEND = b"U" + b"8e" * 16
NOTHING: dict[str, str | None] = {"stage": None, "reason": None, "topic": None, "since": None, "friend": None}


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[Letter]:
    book = LetterBook()
    for offset in range(3):
        headers = dead_letter_headers(
            [], topic="line.events.v1", partition=1, offset=offset, at=offset, stage="fold", reason="unreadable"
        )
        book.note(Place(1, offset), FRIEND, 4, headers, 0)

    async def read(_brokers: str) -> list[Letter]:
        return book.all()

    monkeypatch.setattr(deadletters, "_all", read)
    return book.all()


async def refusal(*places: str, everything: bool = False, **given: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await _chosen("nowhere", places, NOTHING | given, everything)
    return caught.value


async def test_nothing_is_guessed(letters: list[Letter]) -> None:
    """Neither no choice at all, nor letters named and filtered, nor a name that is none."""
    for refused in (await refusal(), await refusal("1@0", stage="fold"), await refusal("first")):
        assert refused.exit_code == USAGE
    assert (await refusal("1@0", "9@9")).exit_code == NOT_FOUND
    assert (await refusal(since="soon")).exit_code == USAGE


async def test_letters_are_named_once_or_chosen_by_filters(letters: list[Letter]) -> None:
    assert [one.place for one in await _chosen("", ("1@2", "1@0", "1@2"), NOTHING, False)] == [(1, 2), (1, 0)]
    assert len(await _chosen("", (), NOTHING, True)) == 3
    assert await _chosen("", (), NOTHING | {"stage": "line"}, False) == []


async def test_many_letters_are_not_taken_by_a_filter_alone(
    letters: list[Letter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadletters, "_MOST", 2)
    assert (await refusal(stage="fold")).code == "many_letters"
    assert len(await _chosen("", (), NOTHING | {"stage": "fold"}, True)) == 3


def test_a_line_has_no_whole_user_id(letters: list[Letter]) -> None:
    line = line_of(letters[0])
    assert (line["letter"], line["at"], line["key"]) == ("1@2", "1970-01-01T00:00:00.002Z", "U8e8e…")
    assert FRIEND.decode() not in str(line)


@pytest.mark.parametrize(
    ("value", "masked", "revealed"),
    [
        (b'{"text":"Mari"}', {"text": "(4 characters)"}, {"text": "Mari"}),
        (b"Mari \xff", "(6 bytes that are no JSON)", "Mari \\xff"),
        (None, None, None),
    ],
)
def test_content_is_masked_unless_revealed(value: bytes | None, masked: Any, revealed: Any) -> None:
    record = SimpleNamespace(key=FRIEND, value=value, headers=[("ce_id", b"U1:2:3"), ("x", None)])
    assert content_of(record, reveal=False) == {
        "headers": {"ce_id": "(6 characters)", "x": "(0 characters)"},
        "value": masked,
    }
    assert content_of(record, reveal=True) == {
        "key": FRIEND.decode(),
        "headers": {"ce_id": "U1:2:3", "x": ""},
        "value": revealed,
    }
