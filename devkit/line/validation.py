"""What makes a request body of a send call invalid, told with the property's path (facts/line.md 14, 21). Pure."""

from collections.abc import Callable

from devkit.line.answer import Answer, refused
from devkit.line.signature import Json

Check = Callable[[object], bool]


def _text(limit: int) -> Check:
    """Accept 1 to `limit` UTF-16 units, as LINE counts."""

    def check(value: object) -> bool:
        return isinstance(value, str) and 0 < len(value.encode("utf-16-le", "surrogatepass")) // 2 <= limit

    return check


def _https(value: object) -> bool:
    return isinstance(value, str) and value.startswith("https://") and len(value) <= 2000


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(value: object) -> bool:
    return isinstance(value, dict) and bool(value)


REQUIRED: dict[str, dict[str, Check]] = {
    "text": {"text": _text(5000)},
    "textV2": {"text": _text(5000)},
    "sticker": {"packageId": _text(100), "stickerId": _text(100)},
    "image": {"originalContentUrl": _https, "previewImageUrl": _https},
    "video": {"originalContentUrl": _https, "previewImageUrl": _https},
    "audio": {"originalContentUrl": _https, "duration": _number},
    "location": {"title": _text(100), "address": _text(100), "latitude": _number, "longitude": _number},
    "template": {"altText": _text(1500), "template": _object},
    "flex": {"altText": _text(1500), "contents": _object},
    "imagemap": {"altText": _text(1500), "baseUrl": _https},
}


def body_errors(body: Json) -> list[Json]:
    """Return the errors of `messages`, 1 to 5 message objects; empty when it can be sent."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not 1 <= len(messages) <= 5:
        return [{"message": "Size must be between 1 and 5", "property": "messages"}]
    return [error for index, message in enumerate(messages) for error in _message_errors(index, message)]


def _message_errors(index: int, message: object) -> list[Json]:
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(message, dict) or kind not in REQUIRED:
        return [{"message": "Must be one of the supported types", "property": f"messages[{index}].type"}]
    return [
        {
            "message": "May not be empty" if not message.get(name) else "Invalid value",
            "property": f"messages[{index}].{name}",
        }
        for name, valid in REQUIRED[kind].items()
        if not valid(message.get(name))
    ]


def invalid_body(errors: list[Json]) -> Answer:
    """Return the 400 that lists the errors."""
    return refused(400, f"The request body has {len(errors)} error(s)", errors)
