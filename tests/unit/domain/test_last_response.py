"""What is shown of a message."""

import pytest

from domain.last_response import MAX_CHARACTERS, clean, name_of_kind, shown


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("hello", "hello"),
        ("  outer \n", "outer"),
        ("　全角　", "全角"),
        ("a\r\nb\tc\nd", "a\nb\tc\nd"),
        ("a\rb", "ab"),
        ("a\x00b\x07c\x7fd\x85e\x9ff", "abcdef"),
        ("a\ud800b\udfffc", "abc"),
        ("\x00 \r\n", ""),
        ("👨‍👩‍👧 \U0010ffff", "👨‍👩‍👧 \U0010ffff"),
        ("x" * (MAX_CHARACTERS + 1), "x" * MAX_CHARACTERS),
        ("x" * (MAX_CHARACTERS - 1) + " y", "x" * (MAX_CHARACTERS - 1)),
    ],
)
def test_a_text_keeps_what_hubspot_can_hold(text, kept):
    assert clean(text) == kept
    assert clean(kept) == kept


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"type": "text", "text": " hi "}, "hi"),
        ({"type": "text"}, ""),
        ({"type": "text", "text": 5}, ""),
        ({"type": "image"}, "[image]"),
        ({"type": "video"}, "[video]"),
        ({"type": "audio"}, "[audio]"),
        ({"type": "file", "fileName": "offer.pdf\n"}, "[file: offer.pdf]"),
        ({"type": "file"}, "[file]"),
        ({"type": "location", "title": "Office"}, "[location: Office]"),
        ({"type": "location", "address": "Tokyo"}, "[location]"),
        ({"type": "sticker", "keywords": ["happy", "yes", 3]}, "[sticker: happy, yes]"),
        ({"type": "sticker", "keywords": "happy"}, "[sticker]"),
        ({"type": "sticker"}, "[sticker]"),
        ({"type": "coupon"}, "[coupon]"),
        ({}, "[unknown]"),
        ({"type": 7}, "[unknown]"),
    ],
)
def test_every_kind_of_message_has_its_words(message, words):
    assert shown(message, name_of_kind(message.get("type"))) == words


@pytest.mark.parametrize("odd", [None, 7, "", "x" * 65, "ä", "a\nb"])
def test_a_kind_that_is_no_word_is_unknown(odd):
    assert name_of_kind(odd) == "unknown"
