"""Every simulated call: its method, path and the name by which faults, limits and the call log know it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devkit.line import bot_api, message_api, oauth_api
from devkit.line.answer import Answer
from devkit.line.call import Call
from devkit.line.platform import Platform


@dataclass(frozen=True, slots=True)
class Route:
    """One call; `retry` says whether it takes `X-Line-Retry-Key` (any other call refuses it with 400)."""

    name: str
    method: str
    path: str
    handler: Callable[[Platform, Call], Awaitable[Answer]]
    authorised: bool = True
    retry: bool = False


MESSAGE = "/v2/bot/message"
WEBHOOK = "/v2/bot/channel/webhook"

ROUTES = (
    Route("token.stateless", "POST", "/oauth2/v3/token", oauth_api.stateless, authorised=False),
    Route("token.short", "POST", "/v2/oauth/accessToken", oauth_api.short_lived, authorised=False),
    Route("token.verify", "POST", "/v2/oauth/verify", oauth_api.verify, authorised=False),
    Route("token.revoke", "POST", "/v2/oauth/revoke", oauth_api.revoke, authorised=False),
    Route("info", "GET", "/v2/bot/info", bot_api.info),
    Route("webhook.get", "GET", f"{WEBHOOK}/endpoint", bot_api.endpoint),
    Route("webhook.put", "PUT", f"{WEBHOOK}/endpoint", bot_api.set_endpoint),
    Route("webhook.test", "POST", f"{WEBHOOK}/test", bot_api.test_endpoint),
    Route("profile", "GET", "/v2/bot/profile/{user_id}", bot_api.profile),
    Route("followers", "GET", "/v2/bot/followers/ids", bot_api.followers),
    Route("message.reply", "POST", f"{MESSAGE}/reply", message_api.reply),
    Route("message.push", "POST", f"{MESSAGE}/push", message_api.push, retry=True),
    Route("message.multicast", "POST", f"{MESSAGE}/multicast", message_api.multicast, retry=True),
    Route("message.validate", "POST", f"{MESSAGE}/validate/{{kind}}", message_api.validate),
    Route("quota", "GET", f"{MESSAGE}/quota", message_api.quota),
    Route("consumption", "GET", f"{MESSAGE}/quota/consumption", message_api.consumption),
    Route("content", "GET", f"{MESSAGE}/{{message_id}}/content", message_api.content),
    Route("content.preview", "GET", f"{MESSAGE}/{{message_id}}/content/preview", message_api.preview),
    Route("content.transcoding", "GET", f"{MESSAGE}/{{message_id}}/content/transcoding", message_api.transcoding),
)
