"""Message objects as a webhook carries them (facts/line.md 5). A property without value is left out, never null."""

from collections.abc import Callable

from devkit.line.identifiers import Identifiers
from devkit.line.signature import Json

MEDIA_TYPES = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/x-m4a", "file": "application/octet-stream"}


def given(**fields: object) -> Json:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def text(ids: Identifiers, *, text: str = "hello", quoted: str | None = None) -> Json:
    """Return a text message; LINE emoji stand in it as words in brackets."""
    return {"quoteToken": ids.opaque(32), "text": text, **given(quotedMessageId=quoted)}


def sticker(
    ids: Identifiers,
    *,
    package: str = "446",
    sticker: str = "1988",
    keywords: list[str] | None = None,
    text: str | None = None,
) -> Json:
    """Return a sticker; keywords are LINE's random choice, text is set on message stickers."""
    return {
        "quoteToken": ids.opaque(32),
        "packageId": package,
        "stickerId": sticker,
        "stickerResourceType": "MESSAGE" if text else "STATIC",
        **given(keywords=keywords, text=text),
    }


def image(ids: Identifiers, *, image_set: Json | None = None, url: str | None = None) -> Json:
    """Return an image, one of a set (`{id, index, total}`) or on a foreign host if `url` is given."""
    return {"quoteToken": ids.opaque(32), "contentProvider": provider(url), **given(imageSet=image_set)}


def video(ids: Identifiers, *, duration: int | None = 60_000, url: str | None = None) -> Json:
    """Return a video of `duration` ms."""
    return {"quoteToken": ids.opaque(32), "contentProvider": provider(url), **given(duration=duration)}


def audio(ids: Identifiers, *, duration: int | None = 3_000, url: str | None = None) -> Json:
    """Return a voice message of `duration` ms."""
    return {"contentProvider": provider(url), **given(duration=duration)}


def file(ids: Identifiers, *, name: str = "order.pdf", size: int = 2138) -> Json:
    """Return a file of `size` bytes."""
    return {"fileName": name, "fileSize": size}


def location(
    ids: Identifiers,
    *,
    title: str | None = "Tokyo Station",
    address: str | None = None,
    latitude: float = 35.681,
    longitude: float = 139.767,
) -> Json:
    """Return a place; title and address are optional."""
    return {"latitude": latitude, "longitude": longitude, **given(title=title, address=address)}


def provider(url: str | None) -> Json:
    """Return who keeps the content: LINE, or a foreign host that must never see a channel token."""
    return {"type": "external", "originalContentUrl": url} if url else {"type": "line"}


CONTENTS: dict[str, Callable[..., Json]] = {
    "text": text,
    "sticker": sticker,
    "image": image,
    "video": video,
    "audio": audio,
    "file": file,
    "location": location,
}
