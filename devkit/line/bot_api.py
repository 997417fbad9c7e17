"""Who the bot is, its webhook endpoint, profiles and followers (facts/line.md 9, 11, 12)."""

import re
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urlsplit

from devkit.line.answer import NOT_AVAILABLE, NOT_FOUND, Answer, ok, refused
from devkit.line.call import Call
from devkit.line.contents import given
from devkit.line.platform import FollowersPage, Platform

DAY = 86_400_000
DEFAULT_PAGE, LARGEST_PAGE, LONGEST_URL = 300, 1000, 500
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
NO_ENDPOINT = refused(404, "Webhook endpoint not found")
INVALID_URL = refused(400, "Invalid webhook endpoint URL")


async def info(platform: Platform, call: Call) -> Answer:
    """Answer `GET /v2/bot/info`."""
    account = call.account
    return ok(
        userId=account.bot_user_id,
        basicId=account.basic_id,
        displayName=account.display_name,
        chatMode=account.chat_mode,
        markAsReadMode="manual" if account.chat_mode == "chat" else "auto",
        **given(premiumId=account.premium_id, pictureUrl=account.picture_url),
    )


async def endpoint(platform: Platform, call: Call) -> Answer:
    """Answer `GET /v2/bot/channel/webhook/endpoint`; `active` is the console's "Use webhook"."""
    if call.account.endpoint is None:
        return NO_ENDPOINT
    return ok(endpoint=call.account.endpoint, active=call.account.webhook_active)


async def set_endpoint(platform: Platform, call: Call) -> Answer:
    """Answer `PUT /v2/bot/channel/webhook/endpoint`; it never switches "Use webhook" on."""
    body = call.json()
    if isinstance(body, Answer):
        return body
    if not valid_url(body.get("endpoint")):
        return INVALID_URL
    call.account.endpoint = body["endpoint"]
    return ok()


async def test_endpoint(platform: Platform, call: Call) -> Answer:
    """Answer `POST /v2/bot/channel/webhook/test`: 200 whenever the test ran, whatever came of it."""
    body = call.json()
    if isinstance(body, Answer):
        return body
    url = body.get("endpoint", call.account.endpoint)
    if url is None:
        return NO_ENDPOINT
    if not valid_url(url):
        return INVALID_URL
    posted = await platform.courier.probe(call.account, url)
    moment = datetime.fromtimestamp(call.now / 1000, UTC).isoformat(timespec="milliseconds")
    return ok(
        success=posted.acknowledged,
        timestamp=moment.replace("+00:00", "Z"),
        statusCode=posted.status,
        reason=posted.reason,
        detail=posted.detail,
    )


def valid_url(url: object) -> bool:
    """Tell whether LINE takes a webhook URL: HTTPS, at most 500 characters; plain HTTP to this machine, for tests."""
    if not isinstance(url, str) or len(url) > LONGEST_URL:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))


async def profile(platform: Platform, call: Call) -> Answer:
    """Answer `GET /v2/bot/profile/{userId}`."""
    user_id = call.path["user_id"]
    if not re.fullmatch(r"U[0-9a-f]{32}", user_id):
        return refused(400, "The value for the 'userId' parameter is invalid")
    found = platform.world.profile(call.account, user_id)
    return NOT_FOUND if found is None else ok(**found)


async def followers(platform: Platform, call: Call) -> Answer:
    """Answer `GET /v2/bot/followers/ids`, for verified accounts; `next` dies after 24 h."""
    account, world = call.account, platform.world
    if not account.verified:
        return NOT_AVAILABLE
    size = call.query.get("limit", str(DEFAULT_PAGE))
    if not size.isdecimal() or not 1 <= int(size) <= LARGEST_PAGE:
        return refused(400, "The value for the 'limit' parameter is invalid")
    start = call.query.get("start")
    if start is None:
        rest = [world.user_id(account, person) for person in world.friends(account)]
    else:
        page = platform.followers_pages.get(start)
        if page is None or page.channel_id != account.channel_id or call.now - page.at > DAY:
            return refused(400, "Invalid start param")
        rest = page.user_ids
    shown, left = list(islice(rest, int(size))), rest[int(size) :]
    if not left:
        return ok(userIds=shown)
    following = world.ids.opaque(32)
    platform.followers_pages[following] = FollowersPage(account.channel_id, left, call.now)
    return ok(userIds=shown, next=following)
