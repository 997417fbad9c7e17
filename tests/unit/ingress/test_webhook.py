from __future__ import annotations

import pytest

from ingress.webhook import RawWebhook, SignatureWrong, Signer, VerifiedWebhook

E1 = (
    rb'{"destination":"U11111111111111111111111111111111","events":[{"type":"message","message":{"type":"text",'
    rb'"id":"590000000000000001","quoteToken":"q1","text":"\ud83e\udd28 \u30c6\u30b9\u30c8"},'
    rb'"webhookEventId":"01K80000000000000000000001","deliveryContext":{"isRedelivery":false},'
    rb'"timestamp":1760922682123,"source":{"type":"user","userId":"U22222222222222222222222222222222"},'
    rb'"replyToken":"r1","mode":"active"}]}'
)
VECTORS = [
    (
        "8c570fa6dd201bb328f1c1eac23a96d8",
        b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}',
        "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=",
    ),
    ("channel_secret", b"bodybodybodybody", "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k="),
    ("0123456789abcdef0123456789abcdef", E1, "m5YLqlZs21lK2PlUgN+Va8g2pj7hY4Npe0oJMFcUP84="),
]


def verify(body: bytes, signature: str, *secrets: str) -> VerifiedWebhook:
    return VerifiedWebhook(RawWebhook(1, 5, body, signature), [Signer(secret.encode()) for secret in secrets])


@pytest.mark.parametrize(("secret", "body", "signature"), VECTORS)
def test_the_vectors_of_line_verify(secret: str, body: bytes, signature: str) -> None:
    assert verify(body, signature, secret).body == body


def test_every_live_secret_is_tried() -> None:
    secret, body, signature = VECTORS[0]
    assert verify(body, signature, "old", secret, "older").connection == 1


@pytest.mark.parametrize(
    "signature", ["", "x", "ä", "\udcff", VECTORS[1][2], VECTORS[0][2] + "=", VECTORS[0][2].lower()]
)
def test_another_signature_makes_no_verified_webhook(signature: str) -> None:
    with pytest.raises(SignatureWrong):
        verify(VECTORS[0][1], signature, VECTORS[0][0])


def test_one_changed_byte_makes_no_verified_webhook() -> None:
    secret, body, signature = VECTORS[0]
    with pytest.raises(SignatureWrong):
        verify(body + b" ", signature, secret)


def test_a_connection_without_live_secrets_verifies_nothing() -> None:
    with pytest.raises(SignatureWrong):
        verify(VECTORS[0][1], VECTORS[0][2])


def test_neither_secret_nor_content_is_in_a_repr() -> None:
    shown = (
        repr(Signer(b"hush"))
        + repr(RawWebhook(1, 5, b"hush", "hush"))
        + repr(verify(VECTORS[1][1], VECTORS[1][2], "channel_secret"))
    )
    assert "hush" not in shown
    assert "body" not in shown
