"""LINE's Messaging API through line-bot-sdk's async v3 clients.

Law: every call names its own token and ends within the time limit; one LineApi serves all connections.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from linebot.v3 import messaging, oauth
from linebot.v3.messaging.exceptions import ApiException as MessagingRefused
from linebot.v3.messaging.exceptions import OpenApiException as MessagingMisuse
from linebot.v3.oauth.exceptions import ApiException as OauthRefused

from clients.line.answers import Answer, Bot, Delivery, Endpoint, IssuedToken, Profile, WebhookTest
from clients.line.trouble import LineTrouble, date_of, trouble_of
from runtime.clock import now_ms

SECONDS_FOR_A_CALL = 10.0
SECONDS_FOR_A_WEBHOOK_TEST = 30.0  # LINE posts to us meanwhile
CONNECTIONS = 64


class LineApi:
    """Open it with `async with`; every method raises LineTrouble."""

    def __init__(self, api_url: str, *, ca_file: Path | None = None, seconds: float = SECONDS_FOR_A_CALL) -> None:
        self._api_url = api_url
        self._ca_file = ca_file
        self._limit = aiohttp.ClientTimeout(total=seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> LineApi:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=_trusting(self._ca_file)),
            trust_env=urlsplit(self._api_url).hostname not in {"127.0.0.1", "::1", "localhost"},
        )
        # Without a token the messaging client raises a TypeError; it is replaced in every call (facts/line.md 23).
        bots = messaging.AsyncApiClient(messaging.Configuration(host=self._api_url, access_token="-"))  # noqa: S106
        tokens = oauth.AsyncApiClient(oauth.Configuration(host=self._api_url))
        for client in (bots, tokens):
            await client.rest_client.pool_manager.close()  # its own session trusts CA_FILE alone
            client.rest_client.pool_manager = self._session
        self._bots = messaging.AsyncMessagingApi(bots)
        self._tokens = oauth.AsyncChannelAccessToken(tokens)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def issue_token(self, channel_id: str, secret: str) -> IssuedToken:
        """A stateless v3 token, 15 minutes; 400 = channel id or secret wrong (facts/line.md 8)."""
        answer = await self._asked(
            self._tokens.issue_stateless_channel_token_with_http_info_by_client_secret, channel_id, secret
        )
        return IssuedToken(answer.data.access_token, int(answer.data.expires_in))

    async def bot_info(self, token: str) -> Bot:
        """Who the token speaks for; trouble here = not a Messaging API channel."""
        found = (await self._asked(self._bots.get_bot_info_with_http_info, token=token)).data
        return Bot(found.user_id, found.basic_id, _sayable(found.display_name), found.chat_mode, found.picture_url)

    async def webhook_endpoint(self, token: str) -> Endpoint | None:
        """The registered webhook URL; None if there never was one (404)."""
        try:
            found = (await self._asked(self._bots.get_webhook_endpoint_with_http_info, token=token)).data
        except LineTrouble as trouble:
            if trouble.status == 404:
                return None
            raise
        return Endpoint(found.endpoint, bool(found.active))

    async def set_webhook_endpoint(self, token: str, url: str) -> None:
        """Register our URL; 400 = LINE does not take it. It may need a minute to apply."""
        wanted = messaging.SetWebhookEndpointRequest(endpoint=url)
        await self._call(self._bots.set_webhook_endpoint_with_http_info, wanted, token=token)

    async def test_webhook(self, token: str, url: str) -> WebhookTest:
        """Let LINE post an empty signed webhook to the URL; 60 an hour."""
        wanted = messaging.TestWebhookEndpointRequest(endpoint=url)
        limit = aiohttp.ClientTimeout(total=SECONDS_FOR_A_WEBHOOK_TEST)
        call = self._bots.test_webhook_endpoint_with_http_info
        found = (await self._asked(call, wanted, token=token, limit=limit)).data
        return WebhookTest(bool(found.success), found.status_code, found.reason, found.detail)

    async def may_list_followers(self, token: str) -> bool:
        """Whether the account is verified or premium: all others get 403 here (facts/line.md 12)."""
        try:
            await self._call(self._bots.get_followers_with_http_info, token=token, also={"limit": 1})
        except LineTrouble as trouble:
            if trouble.status == 403:
                return False
            raise
        return True

    async def profile(self, token: str, user_id: str) -> Answer[Profile | None]:
        """The friend's profile; None = 404: unknown, blocked, or no consent."""
        try:
            answer = await self._asked(self._bots.get_profile_with_http_info, user_id, token=token)
        except LineTrouble as trouble:
            if trouble.status == 404:
                return Answer(None, trouble.at if trouble.at is not None else _whole_second())
            raise
        picture = answer.data.picture_url
        profile = Profile(_sayable(answer.data.display_name), None if picture is None else _sayable(picture))
        return Answer(profile, _date(answer))

    async def push(
        self, token: str, to: str, messages: Sequence[Mapping[str, Any]], *, retry_key: str
    ) -> Answer[Delivery]:
        """Push 1-5 messages; with the same retry key never twice within 24 h (facts/line.md 15)."""
        wanted = _built(messaging.PushMessageRequest, {"to": to, "messages": messages})
        try:
            answer = await self._call(self._bots.push_message_with_http_info, wanted, retry_key, token=token)
        except LineTrouble as trouble:
            if trouble.status == 409:
                at = trouble.at if trouble.at is not None else _whole_second()
                return Answer(Delivery(already=True, request_id=trouble.request_id), at)
            raise
        return Answer(Delivery(already=False, request_id=answer.headers.get("x-line-request-id")), _date(answer))

    async def reply(self, token: str, reply_token: str, messages: Sequence[Mapping[str, Any]]) -> Answer[Delivery]:
        """Reply once; a used and an expired reply token look the same (400, reason `invalid_reply_token`)."""
        wanted = _built(messaging.ReplyMessageRequest, {"replyToken": reply_token, "messages": messages})
        answer = await self._call(self._bots.reply_message_with_http_info, wanted, token=token)
        return Answer(Delivery(already=False, request_id=answer.headers.get("x-line-request-id")), _date(answer))

    async def _asked(self, call: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        """A call whose answer has to hold something: the SDK gives None for `null`, and for a 2xx it does not know."""
        answer = await self._call(call, *arguments, **options)
        if answer.data is None:
            raise LineTrouble(None, "unreadable_answer")
        return answer

    async def _call(
        self,
        call: Callable[..., Awaitable[Any]],
        *arguments: Any,
        token: str | None = None,
        limit: aiohttp.ClientTimeout | None = None,
        also: Mapping[str, Any] | None = None,
    ) -> Any:
        options: dict[str, Any] = {"_request_timeout": limit or self._limit, **(also or {})}
        if token is not None:
            options["_request_auth"] = {
                "in": "header",
                "key": "Authorization",
                "type": "bearer",
                "value": f"Bearer {token}",
            }
        try:
            return await call(*arguments, **options)
        except (MessagingRefused, OauthRefused) as refused:
            raise trouble_of(refused.status, refused.headers, refused.body) from None
        except TimeoutError:
            raise LineTrouble(None, "timed_out") from None
        except (aiohttp.ClientError, OSError):
            raise LineTrouble(None, "unreachable") from None
        except (ValueError, TypeError, AttributeError, KeyError):  # the SDK's models on an answer of another shape
            raise LineTrouble(None, "unreadable_answer") from None


def _built(kind: Any, body: Mapping[str, Any]) -> Any:
    """The SDK's request of these message objects; an object it does not know is LINE's 400 before LINE says so."""
    try:
        return kind.from_dict(body)
    except (ValueError, TypeError, AttributeError, KeyError, MessagingMisuse):
        raise LineTrouble(400, "bad_request") from None


def _sayable(text: str) -> str:
    """The text with lone surrogates, which no JSON of ours can carry, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def _date(answer: Any) -> int:
    found = date_of(answer.headers)
    return found if found is not None else _whole_second()


def _whole_second() -> int:
    return now_ms() // 1000 * 1000
