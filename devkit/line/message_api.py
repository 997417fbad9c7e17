"""Sending, quota, and the content of received messages (facts/line.md 14-16, 18)."""

from devkit.line.answer import Answer, ok, refused
from devkit.line.call import Call
from devkit.line.model import Media
from devkit.line.platform import Platform
from devkit.line.validation import body_errors, invalid_body

UNKNOWN_CONTENT = refused(404, "not found")
GONE_CONTENT = refused(410, "The content is gone")
PREPARING = Answer(202)


async def reply(platform: Platform, call: Call) -> Answer:
    """Answer `POST /v2/bot/message/reply`."""
    body = call.json()
    return body if isinstance(body, Answer) else platform.sending.reply(call.account, body, call.now)


async def push(platform: Platform, call: Call) -> Answer:
    """Answer `POST /v2/bot/message/push`."""
    body = call.json()
    if isinstance(body, Answer):
        return body
    return platform.sending.push(call.account, body, call.now, call.retry_key, call.request_id)


async def multicast(platform: Platform, call: Call) -> Answer:
    """Answer `POST /v2/bot/message/multicast`."""
    body = call.json()
    if isinstance(body, Answer):
        return body
    return platform.sending.multicast(call.account, body, call.now, call.retry_key, call.request_id)


async def validate(platform: Platform, call: Call) -> Answer:
    """Answer `POST /v2/bot/message/validate/{kind}`: message objects only, nothing is sent."""
    body = call.json()
    if isinstance(body, Answer):
        return body
    errors = body_errors(body)
    return invalid_body(errors) if errors else ok()


async def quota(platform: Platform, call: Call) -> Answer:
    """Answer `GET /v2/bot/message/quota`."""
    return platform.sending.quota(call.account)


async def consumption(platform: Platform, call: Call) -> Answer:
    """Answer `GET /v2/bot/message/quota/consumption`."""
    return ok(totalUsage=call.account.used)


async def content(platform: Platform, call: Call) -> Answer:
    """Answer `GET /v2/bot/message/{messageId}/content` of the api-data host: 202 without a body while preparing."""
    media = _media(platform, call)
    if isinstance(media, Answer):
        return media
    if call.now < media.ready_at:
        return PREPARING
    return Answer(200, media.data, {"Content-Type": media.content_type})


async def preview(platform: Platform, call: Call) -> Answer:
    """Answer `.../content/preview`, of images and videos only."""
    media = _media(platform, call)
    if isinstance(media, Answer):
        return media
    if not media.content_type.startswith(("image/", "video/")):
        return refused(400, "The content can not be previewed")
    return Answer(200, media.data, {"Content-Type": "image/jpeg"})


async def transcoding(platform: Platform, call: Call) -> Answer:
    """Answer `.../content/transcoding`, of videos and voice messages only."""
    media = _media(platform, call)
    if isinstance(media, Answer):
        return media
    if not media.content_type.startswith(("video/", "audio/")):
        return refused(400, "Transcoding status doesn't support this type of content")
    return ok(status="processing" if call.now < media.ready_at else "succeeded")


def _media(platform: Platform, call: Call) -> Media | Answer:
    media = platform.world.media.get((call.account.channel_id, call.path["message_id"]))
    if media is None:
        return UNKNOWN_CONTENT
    return GONE_CONTENT if media.gone else media
