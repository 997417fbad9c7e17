"""The signature vectors of LINE's documentation and SDK, over exact bytes."""

import base64
import hashlib
import hmac
import json

import pytest

from devkit.line.signature import encode, sign

SECRET_OF_3 = "0123456789abcdef0123456789abcdef"
E1 = (
    b'{"destination":"U11111111111111111111111111111111","events":[{"type":"message","message":{"type":"text",'
    b'"id":"590000000000000001","quoteToken":"q1","text":"\\ud83e\\udd28 \\u30c6\\u30b9\\u30c8"},'
    b'"webhookEventId":"01K80000000000000000000001","deliveryContext":{"isRedelivery":false},'
    b'"timestamp":1760922682123,"source":{"type":"user","userId":"U22222222222222222222222222222222"},'
    b'"replyToken":"r1","mode":"active"}]}'
)
VECTORS = [
    (
        "8c570fa6dd201bb328f1c1eac23a96d8",
        b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}',
        "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=",
    ),
    ("channel_secret", b"bodybodybodybody", "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k="),
    (
        SECRET_OF_3,
        '{"destination":"U11111111111111111111111111111111","events":[],"note":"テスト 🤨"}'.encode(),
        "bUB8//9h/c20HfGsZWl+wxHDSEEahR2CUkT6fEsob0E=",
    ),
    (SECRET_OF_3, E1, "m5YLqlZs21lK2PlUgN+Va8g2pj7hY4Npe0oJMFcUP84="),
]


@pytest.mark.parametrize(("secret", "body", "signature"), VECTORS)
def test_known_signatures(secret: str, body: bytes, signature: str) -> None:
    """What others computed over the same bytes comes out."""
    assert sign(secret, body) == signature
    assert base64.b64decode(signature) == hmac.digest(secret.encode(), body, hashlib.sha256)


def test_one_body_can_be_written_in_two_ways() -> None:
    """Escaped and UTF-8 bodies say the same with other bytes, so only the bytes can be signed."""
    payload = {"text": "🤨"}
    escaped, plain = encode(payload, escape=True), encode(payload, escape=False)
    assert (escaped, plain) == (b'{"text":"\\ud83e\\udd28"}', '{"text":"🤨"}'.encode())
    assert json.loads(escaped) == json.loads(plain)


def test_a_lone_surrogate_is_always_escaped() -> None:
    """Half an emoji has no UTF-8 and travels as an escape."""
    assert encode({"text": "\ud83e"}, escape=False) == b'{"text":"\\ud83e"}'


def test_the_escaped_sample_is_what_the_encoder_writes() -> None:
    """Sample E1, parsed and written again in the escaped way, has the very bytes of the vector."""
    assert encode(json.loads(E1), escape=True) == E1
