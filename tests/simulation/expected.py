"""What a friend's contact must show, worked out anew from the acknowledged records: nothing of `domain` is used.

Law: this is the other opinion. It knows DESIGN 4.1 and 4.2 and sorts all events of a friend by LINE's clock; the fold
sees them one by one, late and twice, and must come to the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
TRIGGERS = ("message", "follow")
PERMITS = (*TRIGGERS, "postback", "imported", "beacon", "videoPlayComplete")
_MEANING = {"follow": "true", "imported": "true", "unfollow": "false"}


@dataclass
class Known:
    """All records about one friend that are safe in the log, in the order of the log."""

    events: list[tuple[int, Json]] = field(default_factory=list)  # connection, event
    results: list[Json] = field(default_factory=list)

    @property
    def erased_at(self) -> int | None:
        """When an operator ordered the erasure; None when nobody did."""
        orders = [event["timestamp"] for _number, event in self.events if event["type"] == "erase"]
        return max(orders, default=None)

    def marks(self, kinds: Iterable[str]) -> list[tuple[int, str]]:
        """(time, id) of every event of these kinds that happened after an erasure."""
        wanted, since = set(kinds), self.erased_at or 0
        return [
            _mark(event) for _number, event in self.events if event["type"] in wanted and event["timestamp"] > since
        ]


def expected(friend: str, known: Known) -> dict[str, str]:
    """The property values that the contact must have."""
    numbers = sorted({number for number, event in known.events if event["type"] not in ("erase", "resync")})
    values: dict[str, str] = {}
    for number in numbers:
        events = [event for at, event in known.events if at == number]
        results = [result for result in known.results if result["connection"] == number]
        for name, value in _slot(friend, events, results).items():
            values[f"line_{name}_{number}"] = value
    return values


def _slot(friend: str, events: list[Json], results: list[Json]) -> dict[str, str]:
    values = {"user_id": friend, **_profile(results)}
    permits = sorted(_mark(event) for event in events if event["type"] in PERMITS)
    follows = sorted((_mark(event), _MEANING[event["type"]]) for event in events if event["type"] in _MEANING)
    if permits:
        values["follow"] = "true"
        values["id_sync_date"] = _iso(permits[0][0])
    if follows:
        values["follow"] = follows[-1][1]
    messages = sorted((_mark(event), event["message"]["id"], event["message"]["text"]) for event in events
                      if event["type"] == "message")  # fmt: skip
    values["unanswered"] = "false"
    if messages:
        (at, _id), message, text = messages[-1]
        unsent = {event["unsend"]["messageId"] for event in events if event["type"] == "unsend"}
        values["last_response"] = "[unsent]" if message in unsent else text
        values["unanswered"] = "true" if at > _answered_at(results) else "false"
    return values


def _profile(results: list[Json]) -> dict[str, str]:
    """The newest answer counts; one without a profile blanks nothing."""
    values: dict[str, str] = {}
    newest = 0
    for result in results:
        told = result.get("profile")
        if told is None or result["at"] < newest:
            continue
        newest = result["at"]
        if told["found"]:
            values["user_picture"] = told.get("picture", "")
            if told.get("name"):
                values["user_name"] = told["name"]
    return values


def _answered_at(results: list[Json]) -> int:
    replies = [result for result in results if result["kind"] == "message"]
    told = [r["at"] for r in replies if r["message"]["result"] in ("sent", "already_sent")]
    return max(told, default=0)


def _mark(event: Json) -> tuple[int, str]:
    return event["timestamp"], event.get("webhookEventId", "")


def _iso(ms: int) -> str:
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def differs(name: str, wanted: str, there: str | None) -> bool:
    """Whether a contact shows another value; times are compared as instants."""
    shown = there or ""
    if name.startswith("line_id_sync_date"):
        return _instant(shown) != _instant(wanted)
    return shown != wanted


def _instant(value: str) -> int:
    if value.isdecimal():
        return int(value)
    return int(datetime.fromisoformat(value).timestamp() * 1000) if value else 0
