from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ingress.webhook import RawWebhook, Signer, VerifiedWebhook

SECRET = b"0123456789abcdef0123456789abcdef"
BOT = "U11111111111111111111111111111111"
USER = "U22222222222222222222222222222222"


@pytest.fixture
def verified() -> Callable[..., VerifiedWebhook]:
    """A webhook signed with the secret: of raw bytes, or of an envelope around the given events."""

    def make(
        *events: Any, body: bytes | None = None, received_at: int = 1_760_922_682_500, **more: Any
    ) -> VerifiedWebhook:
        if body is None:
            body = json.dumps({"destination": BOT, "events": list(events)} | more).encode()
        signer = Signer(SECRET)
        return VerifiedWebhook(RawWebhook(1, received_at, body, signer.sign(body).decode()), [signer])

    return make


@pytest.fixture
def message() -> Callable[..., dict[str, Any]]:
    """A text message as LINE sends it; keyword arguments replace fields, None removes them."""

    def make(**fields: Any) -> dict[str, Any]:
        event = {
            "type": "message",
            "message": {"type": "text", "id": "590000000000000001", "quoteToken": "q1", "text": "テスト"},
            "webhookEventId": "01K80000000000000000000001",
            "deliveryContext": {"isRedelivery": False},
            "timestamp": 1760922682123,
            "source": {"type": "user", "userId": USER},
            "replyToken": "r1",
            "mode": "active",
        } | fields
        return {name: value for name, value in event.items() if value is not None}

    return make
