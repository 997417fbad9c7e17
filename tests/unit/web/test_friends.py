"""The page of a friend and its JSON twins."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.codec import encode
from schemas.friends import FriendState
from web.protocols import Ledger

FRIEND, ELSEWHERE = "U" + "a" * 32, "U" + "e" * 32


async def problem_of(answer: Any) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    found: dict[str, Any] = await answer.json()
    assert found["status"] == answer.status
    assert set(found) <= {"type", "title", "status", "code", "detail", "help"}
    return found


async def test_the_page_shows_state_and_why(browse: Any) -> None:
    client = await browse()
    answer = await client.get(f"/friends/{FRIEND}")
    page = await answer.text()
    assert answer.status == 200
    assert "90001" in page
    assert "hello" in page
    assert "Not re-created" in page


async def test_what_a_friend_wrote_is_never_html(browse: Any) -> None:
    client = await browse()
    page = await (await client.get(f"/friends/{FRIEND}")).text()
    assert "&lt;b&gt;Taro&lt;/b&gt;" in page
    assert "<b>Taro" not in page


async def test_the_state_as_json_is_the_record(browse: Any) -> None:
    client = await browse()
    found = await (await client.get(f"/api/v1/friends/{FRIEND}")).json()
    assert found["partition"] == 1
    assert found["state"]["revision"] == 3
    assert found["state"]["contact"] == {"id": "90001", "status": "live", "at": 1_763_800_000_000}


async def test_why_tells_sentences_and_what_they_are_made_of(browse: Any) -> None:
    client = await browse()
    found = await (await client.get(f"/api/v1/friends/{FRIEND}/why")).json()
    assert found["complete"] is True
    assert "Not re-created" in found["sentences"][0]["text"]
    assert found["decisions"][0]["cause"]["offset"] == 4
    assert found["outcomes"] == []


async def test_a_friend_of_another_worker_is_told_to_be_there(browse: Any) -> None:
    client = await browse()
    answer = await client.get(f"/api/v1/friends/{ELSEWHERE}")
    found = await problem_of(answer)
    assert (answer.status, found["code"]) == (404, "friend_elsewhere")
    assert "partition 9" in found["detail"]
    page = await client.get(f"/friends/{ELSEWHERE}")
    assert page.status == 404
    assert "partition 9" in await page.text()


async def test_an_unknown_friend_is_not_found(browse: Any) -> None:
    client = await browse()
    answer = await client.get("/api/v1/friends/Unobody")
    assert (answer.status, (await problem_of(answer))["code"]) == (404, "friend_unknown")


async def test_nothing_is_told_before_the_table_is_recovered(browse: Any, rows: Any) -> None:
    rows.is_ready = False
    client = await browse()
    answer = await client.get(f"/api/v1/friends/{FRIEND}")
    assert (answer.status, (await problem_of(answer))["code"]) == (503, "not_ready")
    assert answer.headers["Retry-After"] == "2"


@pytest.mark.parametrize("trouble", [TimeoutError(), OSError("away")])
async def test_a_log_that_does_not_answer_costs_the_ledger_only(browse: Any, trouble: Exception) -> None:
    client = await browse(trouble)
    page = await client.get(f"/friends/{FRIEND}")
    assert page.status == 200
    assert "could not be read in time" in await page.text()
    why = await client.get(f"/api/v1/friends/{FRIEND}/why")
    assert (why.status, (await problem_of(why))["code"]) == (503, "log_away")


async def test_a_ledger_that_is_cut_says_so(browse: Any) -> None:
    client = await browse(Ledger((), (), complete=False))
    found = await (await client.get(f"/api/v1/friends/{FRIEND}/why")).json()
    assert found["complete"] is False


async def test_an_erased_friend_shows_nothing_but_that(browse: Any, rows: Any) -> None:
    rows.rows[FRIEND] = encode(FriendState(friend=FRIEND, revision=4, erased_at=1_763_800_000_000))
    client = await browse()
    page = await (await client.get(f"/friends/{FRIEND}")).text()
    assert "Erased for privacy" in page
    assert "hello" not in page


async def test_the_form_leads_to_the_page(browse: Any) -> None:
    client = await browse()
    answer = await client.get("/friends", params={"id": f" {FRIEND} "}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"/friends/{FRIEND}")
    assert (await client.get("/friends", params={"id": ""})).status == 400
    assert (await client.get("/friends", params={"id": "x" * 500})).status == 400


async def test_an_id_from_elsewhere_cannot_leave_our_pages(browse: Any) -> None:
    client = await browse()
    answer = await client.get("/friends", params={"id": "//evil.example/x"}, allow_redirects=False)
    assert answer.headers["Location"].startswith("/friends/")
