"""`/friends/{id}` and its JSON twins.

Law: a friend of another worker's partition is told to be there, never as unknown; nothing is told before the worker is
ready.
"""

from __future__ import annotations

import orjson
from aiohttp import web

from domain.dead_letters import letter_sentences
from domain.explain import sentences
from runtime.logs import logger
from schemas.codec import encode
from schemas.friends import FriendState, read_friend_state
from web.friend_page import friend_page
from web.language import Texts
from web.problems import Problem
from web.protocols import FriendRows, Ledger, ReadLedger

LONGEST_ID = 128


class FriendViews:
    """The handlers; `ledger` reads decisions and outcomes."""

    def __init__(self, rows: FriendRows, ledger: ReadLedger, texts: Texts) -> None:
        self._rows = rows
        self._ledger = ledger
        self._texts = texts

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers answer."""
        return [
            web.get("/friends", self.find),
            web.get("/friends/{friend}", self.page, name="friend"),
            web.get("/api/v1/friends/{friend}", self.state),
            web.get("/api/v1/friends/{friend}/why", self.why),
        ]

    async def find(self, request: web.Request) -> web.StreamResponse:
        """From the form to the page."""
        friend = request.query.get("id", "").strip()
        if not friend or len(friend) > LONGEST_ID:
            raise Problem(400, "no_id", "Which friend?", help_text="a LINE user id is U and 32 hex digits")
        raise web.HTTPSeeOther(request.app.router["friend"].url_for(friend=friend))

    async def page(self, request: web.Request) -> web.Response:
        """State and ledger for people."""
        state = self._state(request)
        ledger = await self._read_ledger(state.friend)
        return web.Response(text=friend_page(state, ledger, self._texts), content_type="text/html")

    async def state(self, request: web.Request) -> web.Response:
        """The state as friends.v1 has it."""
        state = self._state(request)
        body = b'{"partition":%d,"state":%b}' % (self._rows.partition(state.friend), encode(state))
        return web.Response(body=body, content_type="application/json")

    async def why(self, request: web.Request) -> web.Response:
        """The ledger in sentences, and the decisions and outcomes they are made of, oldest first."""
        state = self._state(request)
        ledger = await self._read_ledger(state.friend)
        if ledger is None:
            raise Problem(503, "log_away", "The log could not be read in time", retry_after=5)
        told = sentences(ledger.decisions, ledger.outcomes) + letter_sentences(ledger.letters)
        told.sort(key=lambda one: one.at)
        body = b'{"friend":%b,"complete":%b,"sentences":%b,"decisions":%b,"outcomes":%b}' % (
            orjson.dumps(state.friend),
            orjson.dumps(ledger.complete),
            encode(told),
            encode(ledger.decisions),
            encode(ledger.outcomes),
        )
        return web.Response(body=body, content_type="application/json")

    def _state(self, request: web.Request) -> FriendState:
        friend, rows = request.match_info["friend"], self._rows
        if not rows.ready():
            raise Problem(503, "not_ready", "This worker is not ready yet", "Its table is being read.", retry_after=2)
        if not friend or len(friend) > LONGEST_ID:
            raise _unknown()
        partition = rows.partition(friend)
        if not rows.owns(partition):
            raise Problem(
                404,
                "friend_elsewhere",
                "This friend lives in another worker",
                f"Their state is in partition {partition}, which this worker does not have.",
                help_text=f"ask the worker that has partition {partition}, or: friendstream friends show",
            )
        row = rows.row(friend)
        if row is None:
            raise _unknown()
        return read_friend_state(row)

    async def _read_ledger(self, friend: str) -> Ledger | None:
        try:
            return await self._ledger(friend, self._rows.partition(friend))
        except (TimeoutError, OSError) as trouble:
            logger("web").warning("the ledger could not be read: %s", type(trouble).__name__)
            return None


def _unknown() -> Problem:
    return Problem(
        404, "friend_unknown", "No such friend", "No event of this LINE user has been folded.",
        help_text="a LINE user id is U and 32 hex digits, and differs from provider to provider",
    )  # fmt: skip
