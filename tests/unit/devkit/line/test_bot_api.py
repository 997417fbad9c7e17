"""Webhook URLs LINE takes, and pages of followers that grow old."""

import aiohttp
import pytest

from devkit.line.bot_api import DAY, followers, valid_url
from devkit.line.call import Call
from devkit.line.model import Account, Person
from devkit.line.platform import make_platform

NOW = 1_760_922_682_123


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("https://example.com/line/1", True),
        ("http://127.0.0.1:8080/line/1", True),
        ("http://localhost:8080/line/1", True),
        ("http://example.com/line/1", False),
        ("https://", False),
        ("https://[::1", False),
        ("ftp://127.0.0.1/", False),
        ("https://example.com/" + "a" * 480, True),
        ("https://example.com/" + "a" * 481, False),
        (None, False),
        (7, False),
    ],
)
def test_webhook_urls(url: object, valid: bool) -> None:
    """HTTPS and at most 500 characters; plain HTTP only to this machine."""
    assert valid_url(url) is valid


async def test_a_page_of_followers_dies_after_a_day_and_is_of_one_account() -> None:
    """`next` works for 24 h, for the account it was given to."""
    fields = {"channel_secret": "s", "bot_user_id": "U1", "basic_id": "@s", "display_name": "Shop", "provider": "p"}
    first, second = Account(channel_id="1", **fields), Account(channel_id="2", **fields)
    async with aiohttp.ClientSession() as session:
        platform = make_platform(1, lambda: NOW, session)
        for key in ("a", "b"):
            platform.world.people[key] = Person(key=key, display_name=key)
            platform.acts.follow(first, platform.world.people[key], NOW)

        async def page(account: Account, now: int, query: dict[str, str]) -> int | str:
            call = Call(name="followers", now=now, request_id="r", account_or_none=account, query=query)
            answer = await followers(platform, call)
            assert isinstance(answer.body, dict)
            return answer.body.get("next", answer.status)

        following = str(await page(first, NOW, {"limit": "1"}))
        assert await page(first, NOW + DAY, {"start": following}) == 200
        assert await page(first, NOW + DAY + 1, {"start": following}) == 400
        assert await page(second, NOW, {"start": following}) == 400
        assert await page(first, NOW, {"limit": "1001"}) == 400
