"""Webhook bodies: LINE's grammar of every kind of event, and what can be wrong with it.

Law: whoever breaks a body also says what must become of it, by rules of its own: nothing here reads JSON.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

SECRET_WORD = "KANARIENVOGEL"  # in every text, name and odd string: it may be seen nowhere but in the topics
NOW = 1_764_000_000_000
Fate = Literal["event", "letter", "either"]  # either: exactly one of both


@dataclass(frozen=True)
class Member:
    """One member of `events`: its bytes, the mark in it (none: it can hold none), and what becomes of it."""

    raw: bytes
    mark: str | None
    fate: Fate


@dataclass(frozen=True)
class Body:
    """One webhook: `whole` = it is one dead letter; `loose` = at least one record or letter must come of it."""

    number: int
    raw: bytes
    members: tuple[Member, ...] = field(default=())
    whole: bool = False
    loose: bool = False


def bodies(count: int, seed: int, bot: str) -> Iterator[Body]:
    """So many bodies for the account whose bot this is; the same for the same seed."""
    for number in range(count):
        yield _Writer(random.Random(f"{seed}/{number}"), number, bot).body()


class _Writer:
    def __init__(self, chance: random.Random, number: int, bot: str) -> None:
        self.chance, self.number, self.bot = chance, number, bot

    def body(self) -> Body:
        members = [self._member(place) for place in range(self.chance.choice((0, 1, 1, 1, 2, 2, 3, 5)))]
        kind = self.chance.random()
        if kind < 0.72 or not members:
            return Body(self.number, self._envelope(members), tuple(members))
        if kind < 0.82:
            return self._whole(members)
        return self._loose([self._plain(place) for place in range(len(members))])

    def _envelope(self, members: list[Member], destination: bytes | None = None) -> bytes:
        to = (
            destination
            if destination is not None
            else self.chance.choice((b'"%s"' % self.bot.encode(),) * 9 + (b"null",))
        )
        gap = self.chance.choice((b"", b"", b" ", b"\n  \t"))
        events = (gap + b"," + gap).join(member.raw for member in members)
        parts = [b'"destination":' + gap + to, b'"events":' + gap + b"[" + gap + events + gap + b"]"]
        if self.chance.random() < 0.1:
            parts.append(b'"unheard":{"events":[[]],"of":"%s"}' % SECRET_WORD.encode())
        self.chance.shuffle(parts)
        return b"{" + gap + (gap + b"," + gap).join(parts) + gap + b"}"

    def _whole(self, members: list[Member]) -> Body:
        foreign = b'"U%s"' % (b"e" * 32)
        listed = b",".join(member.raw for member in members)
        wrong = self.chance.choice(
            (
                lambda: self._envelope(members, foreign),
                lambda: self._envelope(members, b"7"),
                lambda: b"[" + listed + b"]",
                lambda: b'{"destination":' + foreign + b"}",
                lambda: b'{"events":null,"x":"%s"}' % SECRET_WORD.encode(),
                lambda: b'{"events":{"0":' + members[0].raw + b"}}",
                lambda: b'"%s"' % SECRET_WORD.encode(),
                lambda: b"",
                lambda: b"null",
                lambda: b"\x00\x01\xff\xfe" + SECRET_WORD.encode(),
                lambda: b"<html>" + SECRET_WORD.encode() + b"</html>",
                lambda: f'{{"events":["{SECRET_WORD}"]}}'.encode("utf-16"),
            )
        )()
        return Body(self.number, wrong, whole=True)

    def _loose(self, members: list[Member]) -> Body:
        raw = bytearray(self._envelope(members, b'"%s"' % self.bot.encode()))
        kind = self.chance.randrange(6)
        if kind == 0:
            del raw[self.chance.randrange(1, len(raw)) :]
        elif kind == 1:
            raw[:0] = b"\xef\xbb\xbf"
        elif kind == 2:
            raw += self.chance.choice((b"}", b"]", b"garbage", b"{}", b"\x00"))
        elif kind == 3:
            raw[1:1] = b'"events":[],'
        else:
            for _ in range(self.chance.randint(1, 4)):
                raw[self.chance.randrange(len(raw))] = self.chance.randrange(256)
        return Body(self.number, bytes(raw), loose=True)

    def _plain(self, place: int) -> Member:
        mark = f"{self.number}-{place}"
        return Member(_dumped(self._marked(self._event(), mark)), mark, "event")

    def _member(self, place: int) -> Member:
        if self.chance.random() < 0.35:
            return self._plain(place)
        mark = f"{self.number}-{place}"
        if self.chance.random() < 0.1:
            odd = (b"null", b"true", b"7", b"-0.5", b"[]", b'"%s"' % SECRET_WORD.encode(), b'[{"type":"message"}]')
            return Member(self.chance.choice(odd), None, "letter")
        event = self._event()
        for _ in range(self.chance.randint(1, 3)):
            self._twist(event)
        raw, fate = _dumped(self._marked(event, mark)), "event"
        if self.chance.random() < 0.3:
            raw, fate = self.chance.choice(_BYTE_TWISTS)(raw, self.chance)
        return Member(raw, mark, fate)  # type: ignore[arg-type]  # one of the three

    def _marked(self, event: dict[str, Any], mark: str) -> dict[str, Any]:
        """The mark twice in twos: a byte that flips hides at most one, and makes none of another body."""
        sealed = f"<{mark}={mark}>"
        return {"mark": sealed, **event, "again": sealed}

    def _event(self) -> dict[str, Any]:
        kind, own = self.chance.choice(_KINDS)
        event: dict[str, Any] = {"type": kind, "mode": self.chance.choice(("active", "standby"))}
        event |= {"timestamp": NOW + self.chance.randrange(10_000_000), "source": self._source()}
        event |= {"webhookEventId": _ulid(event["timestamp"], self.chance)}
        event |= {"deliveryContext": {"isRedelivery": self.chance.random() < 0.2}, **copy.deepcopy(own(self.chance))}
        if self.chance.random() < 0.7:
            event["replyToken"] = f"{self.chance.getrandbits(128):032x}"
        return event

    def _source(self) -> dict[str, Any]:
        user = f"U{self.chance.randrange(300):032x}"
        kind = self.chance.choice(("user",) * 6 + ("group", "room"))
        if kind == "user":
            return {"type": "user", "userId": user}
        return {"type": kind, f"{kind}Id": f"{'C' if kind == 'group' else 'R'}{self.chance.randrange(9):032x}"}

    def _twist(self, event: dict[str, Any]) -> None:
        """Another type, a missing field, an absurd time, a field nobody knows."""
        owner = event
        while (
            isinstance(inner := owner[self.chance.choice(list(owner))], dict) and inner and self.chance.random() < 0.8
        ):
            owner = inner
        name = self.chance.choice(list(owner)) if owner else "type"
        match self.chance.randrange(4):
            case 0:
                owner.pop(name, None)
            case 1:
                event["timestamp"] = self.chance.choice(_TIMES)
            case 2:
                owner[f"{SECRET_WORD}-{self.chance.randrange(99)}"] = copy.deepcopy(self.chance.choice(_ODD))
            case _:
                owner[name] = copy.deepcopy(self.chance.choice(_ODD))
        if not event:
            event["type"] = "message"


def _dumped(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _ulid(at: int, chance: random.Random) -> str:
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    time = "".join(digits[at >> shift & 31] for shift in range(45, -1, -5))
    return time + "".join(chance.choices(digits, k=16))


_TIMES: tuple[Any, ...] = (
    0,
    -1,
    1,
    10**12,
    10**15,
    2**63,
    10**30,
    1.5,
    "2026-11-22",
    None,
    True,
    [NOW],
    32_503_680_000_000,
)
_DEEP: Any = SECRET_WORD
for _ in range(60):
    _DEEP = [_DEEP]
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**53 + 1, 2**64, 10**40, 0.1, -1e308, "", " ", "\x00", "\u202e", "null", "1"),
    *(
        SECRET_WORD,
        f"{SECRET_WORD}@example.com",
        SECRET_WORD * 40,
        "a" * 200,
        "𠮷野家" * 9,
        "\n" * 5,
        "<script>",
        "' OR 1=1 --",
    ),
    *([], {}, [None], {"type": "user"}, {"userId": SECRET_WORD}, [[[]]], {"": {"": {}}}, _DEEP),
    *(
        "user",
        "group",
        "room",
        "message",
        "follow",
        "unsend",
        "telepathy",
        "..",
        "U" * 68,
        "LU" + "f" * 32 + "-U" + "f" * 32,
    ),
)


def _text(chance: random.Random) -> dict[str, Any]:
    text = f"{SECRET_WORD} {chance.choice(('hello', 'こんにちは', '🤨', 'a' * 300))}"
    return _message(
        chance, type="text", text=text, quoteToken="q", emojis=[{"index": 0, "length": 1, "productId": "p"}]
    )


def _message(chance: random.Random, **fields: Any) -> dict[str, Any]:
    return {"message": {"id": str(chance.randrange(10**18)), **fields}}


_CONTENT = {"contentProvider": {"type": "line"}, "quoteToken": "q"}
_Own = Callable[[random.Random], dict[str, Any]]
_KINDS: tuple[tuple[str, _Own], ...] = (
    *((("message", _text),) * 4),
    ("message", lambda c: _message(c, type="image", imageSet={"id": "1", "index": 1, "total": 2}, **_CONTENT)),
    ("message", lambda c: _message(c, type="video", duration=6000, **_CONTENT)),
    ("message", lambda c: _message(c, type="audio", duration=6000, contentProvider={"type": "line"})),
    ("message", lambda c: _message(c, type="file", fileName=f"{SECRET_WORD}.pdf", fileSize=2138)),
    ("message", lambda c: _message(c, type="location", title=SECRET_WORD, latitude=35.6, longitude=139.7)),
    ("message", lambda c: _message(c, type="sticker", packageId="446", stickerId="1988", keywords=[SECRET_WORD])),
    ("messageEdited", _text),
    ("unsend", lambda c: {"unsend": {"messageId": str(c.randrange(10**18))}}),
    ("follow", lambda c: {"follow": {"isUnblocked": c.random() < 0.5}}),
    ("unfollow", lambda c: {}),
    ("join", lambda c: {}),
    ("leave", lambda c: {}),
    ("memberJoined", lambda c: {"joined": {"members": [{"type": "user", "userId": "U" + "d" * 32}]}}),
    ("memberLeft", lambda c: {"left": {"members": [{"type": "user", "userId": "U" + "d" * 32}]}}),
    ("postback", lambda c: {"postback": {"data": SECRET_WORD, "params": {"datetime": "2026-10-20T12:00"}}}),
    ("videoPlayComplete", lambda c: {"videoPlayComplete": {"trackingId": "t"}}),
    ("beacon", lambda c: {"beacon": {"hwid": "d41d8cd98f", "type": "enter", "dm": "00"}}),
    ("accountLink", lambda c: {"link": {"result": c.choice(("ok", "failed")), "nonce": "n"}}),
    ("membership", lambda c: {"membership": {"type": c.choice(("joined", "left", "renewed")), "membershipId": 3189}}),
    ("delivery", lambda c: {"delivery": {"data": SECRET_WORD}}),
    ("module", lambda c: {"module": {"type": "attached", "botId": "U" + "a" * 32, "scopes": ["message:send"]}}),
    ("activated", lambda c: {"chatControl": {"expireAt": NOW}}),
    ("deactivated", lambda c: {}),
    ("botSuspended", lambda c: {}),
    ("botResumed", lambda c: {}),
    ("telepathy", lambda c: {"telepathy": {"thought": SECRET_WORD}}),
)

_Twisted = tuple[bytes, Fate]


def _inside(raw: bytes, more: bytes) -> bytes:
    """The object with one more field at its end."""
    return raw[:-1] + b',"z":' + more + b"}"


def _lone_surrogate(raw: bytes, chance: random.Random) -> _Twisted:
    return _inside(raw, b'"%s\\ud83e\\u0041"' % SECRET_WORD.encode()), "event"


def _not_utf8(raw: bytes, chance: random.Random) -> _Twisted:
    return _inside(raw, b'"%s \xc3\x28 \xed\xa0\xbd \xff"' % SECRET_WORD.encode()), "event"


def _twice(raw: bytes, chance: random.Random) -> _Twisted:
    return _inside(raw, b'1,"z":{"z":1,"z":2},"z":2,"message":null'), "event"


def _deep(raw: bytes, chance: random.Random) -> _Twisted:
    depth = chance.choice((100, 900, 1100, 50_000))
    return _inside(raw, b"[" * depth + b"]" * depth), "event" if depth == 100 else "either"


def _giant(raw: bytes, chance: random.Random) -> _Twisted:
    return _inside(raw, b'"%s%s"' % (SECRET_WORD.encode(), b"x" * chance.choice((5_000, 70_000, 300_000)))), "event"


def _giant_number(raw: bytes, chance: random.Random) -> _Twisted:
    number = chance.choice((b"1" + b"0" * 400, b"-1e400", b"1E+9999", b"0.%s1" % (b"0" * 400), b"-0"))
    return _inside(raw, number), "either"


def _no_json(raw: bytes, chance: random.Random) -> _Twisted:
    token = chance.choice((b"NaN", b"Infinity", b"undefined", b"'a'", b"01", b"+1", b".5", b'"\\q"', b'"\x01"', b"tru"))
    return _inside(raw, token), "either"


_BYTE_TWISTS: tuple[Callable[[bytes, random.Random], _Twisted], ...] = (
    *(_lone_surrogate, _lone_surrogate, _not_utf8, _not_utf8, _twice, _deep, _giant_number, _giant_number),
    *(_no_json, _no_json, _giant),
)
