"""Who may see what."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from runtime.setting_values import Bind, Secret
from web.access import HEADERS, Access, is_loopback

FRIEND = "U" + "a" * 32


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_health_is_open(browse: Any, path: str) -> None:
    client = await browse(api_token="t", admin_password="p")
    assert (await client.get(path)).status == 200


@pytest.mark.parametrize("path", ["flow", "status", f"friends/{FRIEND}", f"friends/{FRIEND}/why"])
async def test_json_needs_the_token_once_there_is_one(browse: Any, path: str) -> None:
    client = await browse(api_token="secret-token")
    without = await client.get(f"/api/v1/{path}")
    assert without.status == 401
    assert without.headers["WWW-Authenticate"] == "Bearer"
    assert (await without.json())["code"] == "unauthorized"
    assert (await client.get(f"/api/v1/{path}", headers={"Authorization": "Bearer wrong"})).status == 401
    assert (await client.get(f"/api/v1/{path}", headers=basic("secret-token"))).status == 401
    assert (await client.get(f"/api/v1/{path}", headers={"Authorization": "Bearer secret-token"})).status == 200


@pytest.mark.parametrize("path", ["/", "/flow", f"/friends/{FRIEND}"])
async def test_pages_need_the_password_once_there_is_one(browse: Any, path: str) -> None:
    client = await browse(admin_password="pass")
    assert (await client.get(path)).status == 401
    assert (await client.get(path, headers=basic("wrong"))).status == 401
    assert (await client.get(path, headers={"Authorization": "Basic %%%"})).status == 401
    assert (await client.get(path, headers=basic("pass"))).status == 200


async def test_beyond_loopback_personal_data_needs_a_secret(browse: Any) -> None:
    client = await browse(web_bind="0.0.0.0:6066")
    assert (await client.get(f"/friends/{FRIEND}")).status == 403
    assert (await client.get(f"/api/v1/friends/{FRIEND}")).status == 403
    assert (await client.get("/api/v1/flow")).status == 200
    guarded = await browse(web_bind="0.0.0.0:6066", api_token="t")
    assert (await guarded.get(f"/api/v1/friends/{FRIEND}", headers={"Authorization": "Bearer t"})).status == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("example", False)],
)
def test_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize("path", ["/", "/flow", f"/friends/{FRIEND}", "/nowhere", "/static/flow.js", "/api/v1/flow"])
async def test_every_answer_restricts_the_browser(browse: Any, path: str) -> None:
    answer = await (await browse()).get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value


@pytest.mark.parametrize("path", ["/", "/flow", f"/friends/{FRIEND}"])
async def test_no_page_holds_a_script_or_style_of_its_own(browse: Any, path: str) -> None:
    page = await (await (await browse()).get(path)).text()
    assert "<style" not in page
    assert "style=" not in page
    assert "onclick" not in page
    assert page.count("<script") == page.count('<script src="/static/')


async def test_unknown_paths_and_methods_are_problems(browse: Any) -> None:
    client = await browse()
    unknown = await client.get("/api/v1/nothing")
    assert (unknown.status, unknown.content_type) == (404, "application/problem+json")
    wrong = await client.post("/api/v1/flow")
    assert (wrong.status, (await wrong.json())["code"]) == (405, "http_405")
    assert (await client.get("/table")).status == 404
    assert (await client.get("/router")).status == 404


async def test_a_page_that_fails_tells_nothing_of_why(browse: Any, rows: Any, caplog: pytest.LogCaptureFixture) -> None:
    rows.rows[FRIEND] = b"no json"
    answer = await (await browse()).get(f"/api/v1/friends/{FRIEND}")
    assert (answer.status, (await answer.json())["code"]) == (500, "internal")
    assert "a page failed" in caplog.text


def test_secrets_do_not_show() -> None:
    assert "hush" not in repr(Access(Secret("hush"), Secret("hush"), Bind("127.0.0.1", 1)))
