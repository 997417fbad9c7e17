"""`/deadletters` and its JSON twin: what could not be processed, and why.

Law: a listing has no content and no whole user id; it changes nothing, and names the command that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from aiohttp import web

from domain.dead_letters import Filter, Letter, Listed, counts, listed, reason_in_words
from domain.span import span_ms
from runtime.clock import now_ms
from runtime.letter_log import LetterRead
from runtime.logs import logger
from schemas.codec import Record, encode
from schemas.dead_letters import ReasonCode, Stage
from schemas.topics import ALL
from web.language import Texts
from web.markup import Markup, choice, facts, joined, moment, render, table, text_of, tick
from web.problems import Problem
from web.protocols import ReadLetters

MOST = 500
SHOWN = 100
STAGES, REASONS, TOPICS = get_args(Stage), get_args(ReasonCode), tuple(topic.name for topic in ALL)


class Listing(Record, frozen=True, kw_only=True):
    """The newest letters that were asked for; `found` counts all of them, `complete` = none was too old to be seen."""

    found: int
    complete: bool
    counts: dict[str, int]
    letters: list[Listed]


class DeadLetterViews:
    """The handlers; `read` reads the newest letters."""

    def __init__(self, read: ReadLetters, texts: Texts) -> None:
        self._read = read
        self._texts = texts

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers answer."""
        return [web.get("/deadletters", self.page), web.get("/api/v1/deadletters", self.letters)]

    async def page(self, request: web.Request) -> web.Response:
        """The listing for people."""
        texts = self._texts
        listing = await self._listing(request)
        content = render(
            "deadletters",
            heading=texts["dead_letters"],
            lead=texts["dead_letters_lead"],
            filters=_filters(request.query, texts),
            show=texts["show"],
            letters=_letters(listing, texts),
            replay=texts["dead_letters_replay"],
        )
        page = render("page", title=f"{texts['dead_letters']} · friendstream", content=content)
        return web.Response(text=page, content_type="text/html")

    async def letters(self, request: web.Request) -> web.Response:
        """The listing for programs."""
        return web.Response(body=encode(await self._listing(request)), content_type="application/json")

    async def _listing(self, request: web.Request) -> Listing:
        wanted, limit = _wanted(request.query, now_ms())
        read = await self._newest()
        found: list[Letter] = [letter for letter in read.book.all() if wanted.takes(letter)]
        return Listing(
            found=len(found),
            complete=read.complete,
            counts=counts(found),
            letters=[listed(letter) for letter in found[:limit]],
        )

    async def _newest(self) -> LetterRead:
        try:
            return await self._read()
        except (TimeoutError, OSError) as trouble:
            logger("web").warning("dead letters could not be read: %s", type(trouble).__name__)
            raise Problem(503, "log_away", "The log could not be read in time", retry_after=5) from None


def _wanted(query: Mapping[str, str], now: int) -> tuple[Filter, int]:
    """The filter and the limit of a query; Problem 400 for values that cannot be."""
    stage, reason, topic = (
        _one_of(query, name, known) for name, known in (("stage", STAGES), ("reason", REASONS), ("topic", TOPICS))
    )
    span = span_ms(query["since"]) if query.get("since") else None
    limit = query.get("limit", str(SHOWN))
    if query.get("since") and span is None:
        raise _wrong("since", "30m, 12h or 7d")
    if not (limit.isascii() and limit.isdigit() and 0 < int(limit[:9]) <= MOST):
        raise _wrong("limit", f"1 to {MOST}")
    wanted = Filter(
        stage=stage,
        reason=reason,
        topic=topic,
        since=None if span is None else now - span,
        friend=query.get("friend") or None,
        settled=query.get("settled") == "1",
    )
    return wanted, int(limit)


def _one_of(query: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    value = query.get(name) or None
    if value is not None and value not in known:
        raise _wrong(name, ", ".join(known))
    return value


def _wrong(name: str, takes: str) -> Problem:
    return Problem(400, "filter_wrong", "This filter is not known", f"`{name}` takes {takes}.")


def _filters(query: Mapping[str, str], texts: Texts) -> Markup:
    return joined(
        [
            choice("stage", texts["stage"], STAGES, query.get("stage")),
            choice("reason", texts["reason"], REASONS, query.get("reason")),
            tick("settled", texts["settled"], ticked=query.get("settled") == "1"),
        ]
    )


def _letters(listing: Listing, texts: Texts) -> Markup:
    notes = [] if listing.complete else [facts([("", texts["dead_letters_part"])])]
    if not listing.letters:
        return joined([facts([("", texts["dead_letters_none"])]), *notes])
    heads = [texts[name] for name in ("letter", "time", "stage", "reason", "from", "key", "bytes", "became")]
    kinds = " · ".join(f"{kind} {count}" for kind, count in listing.counts.items())
    summary = facts([(texts["found"], f"{listing.found}: {kinds}")])
    return joined([summary, *notes, table(heads, [_row(one) for one in listing.letters])])


def _row(one: Listed) -> tuple[object, ...]:
    origin = f"{one.topic} {one.partition}" + (f"@{one.offset}" if one.offset >= 0 else "")
    why = f"{reason_in_words(one.reason)} ({one.where})" if one.where else reason_in_words(one.reason)
    became = "" if one.became is None else Markup(f"{text_of(one.became)} {moment(one.became_at or 0)}")
    return one.letter, moment(one.at), one.stage, why, origin, one.key, one.bytes, became
