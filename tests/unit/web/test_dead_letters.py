"""The page of dead letters and its JSON twin."""

from __future__ import annotations

from typing import Any

import pytest

from domain.dead_letters import LetterBook, Place
from runtime.letter_log import LetterRead
from schemas.dead_letters import dead_letter_headers, settlement_headers
from tests.unit.web.test_friends import problem_of
from web.protocols import Ledger

FRIEND = "U" + "a" * 32
AT = 1_763_800_000_000


@pytest.fixture
def letters() -> LetterRead:
    book = LetterBook()

    def add(place: int, key: bytes, **given: Any) -> None:
        fields = {"topic": "line.events.v1", "partition": 1, "offset": 7, "at": AT + place, "stage": "fold"}
        book.note(Place(1, place), key, 5, dead_letter_headers([], **(fields | {"reason": "unreadable"} | given)), AT)

    add(0, FRIEND.encode())
    add(1, b"connection:2", stage="ingress", reason="not_a_webhook", offset=-1, at=AT + 9)
    add(2, FRIEND.encode(), reason="fold_failed", where="<domain.turn>:12")
    book.note(Place(1, 3), None, 0, settlement_headers(1, 0, outcome="dropped", at=AT + 4), AT)
    return LetterRead(book, complete=True)


async def listing(client: Any, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/api/v1/deadletters{query}")
    assert answer.status == 200
    found: dict[str, Any] = await answer.json()
    return found


async def test_what_is_open_is_listed_newest_first_without_content_or_a_whole_user_id(
    browse: Any, letters: Any
) -> None:
    found = await listing(await browse(letters=letters))
    assert (found["found"], found["complete"]) == (2, True)
    assert found["counts"] == {"ingress/not_a_webhook": 1, "fold/fold_failed": 1}
    assert [one["letter"] for one in found["letters"]] == ["1@1", "1@2"]
    assert found["letters"][1] == {
        "letter": "1@2", "at": AT + 2, "stage": "fold", "reason": "fold_failed", "where": "<domain.turn>:12",
        "topic": "line.events.v1", "partition": 1, "offset": 7, "key": "Uaaaa…", "bytes": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("?settled=1", ["1@1", "1@2", "1@0"]),
        ("?stage=ingress", ["1@1"]),
        ("?reason=fold_failed&stage=", ["1@2"]),
        ("?topic=line.results.v1", []),
        (f"?friend={FRIEND}", ["1@2"]),
        ("?limit=1", ["1@1"]),
        ("?since=7d", []),
    ],
)
async def test_filters(browse: Any, letters: Any, query: str, places: list[str]) -> None:
    found = await listing(await browse(letters=letters), query)
    assert [one["letter"] for one in found["letters"]] == places


@pytest.mark.parametrize(
    "query", ["stage=kitchen", "reason=x", "topic=y", "since=soon", "limit=0", "limit=501", "limit=a"]
)
async def test_a_filter_that_cannot_be_is_a_problem(browse: Any, query: str) -> None:
    client = await browse()
    problem = await problem_of(await client.get(f"/api/v1/deadletters?{query}"))
    assert (problem["status"], problem["code"]) == (400, "filter_wrong")


async def test_the_page_shows_them_and_names_the_command(browse: Any, letters: Any) -> None:
    client = await browse(letters=letters)
    answer = await client.get("/deadletters?settled=1&stage=fold")
    page = await answer.text()
    assert answer.status == 200
    assert "friendstream deadletters replay" in page
    assert '<option value="fold" selected>' in page
    assert "the fold failed at it (&lt;domain.turn&gt;:12)" in page
    assert 'dropped <time datetime="2025-11-22T08:26:40.004Z">2025-11-22 08:26:40Z</time>' in page
    assert FRIEND not in page
    assert "1@1" not in page


async def test_no_letters_and_a_part_of_them_are_said(browse: Any) -> None:
    page = await (await (await browse(letters=LetterRead(LetterBook(), complete=False))).get("/deadletters")).text()
    assert "None of that kind" in page
    assert "Only the newest records" in page


async def test_while_kafka_is_away_the_page_says_so(browse: Any) -> None:
    client = await browse(letters=OSError("KafkaConnectionError"))
    assert (await client.get("/deadletters")).status == 503
    problem = await problem_of(await client.get("/api/v1/deadletters"))
    assert problem["code"] == "log_away"


async def test_a_friend_s_own_letters_are_part_of_why(browse: Any, letters: Any) -> None:
    own = tuple(letter for letter in letters.book.all() if letter.key == FRIEND.encode())
    client = await browse(Ledger((), (), complete=True, letters=own))
    why = await (await client.get(f"/api/v1/friends/{FRIEND}/why")).json()
    assert [one["decision"] for one in why["sentences"]] == ["dead_letter"] * 2
    page = await (await client.get(f"/friends/{FRIEND}")).text()
    assert "friendstream deadletters show 1@2" in page


async def test_a_token_is_needed_where_one_is_set(browse: Any) -> None:
    client = await browse(api_token="t" * 32)
    assert (await client.get("/api/v1/deadletters")).status == 401
