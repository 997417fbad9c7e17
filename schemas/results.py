"""line.results.v1: what LINE answered.

Law: a result names the request it answers and copies what the fold needs of it; `at` is LINE's clock (its response
Date + 999 ms), never ours.
"""

from typing import Literal

from schemas.codec import Record, decoder


class ProfileResult(Record, frozen=True, kw_only=True):
    """A profile; `found` is false where LINE answers 404 (unknown, blocked, or no consent)."""

    found: bool
    name: str | None = None
    picture: str | None = None


class MessageResult(Record, frozen=True, kw_only=True):
    """What became of a message."""

    result: Literal["sent", "already_sent", "refused", "unknown"]
    status: int | None = None
    line_request_id: str | None = None
    reason: str | None = None
    clears_unanswered: bool | None = None
    answers_at: int | None = None


class Result(Record, frozen=True, kw_only=True):
    """The answer to one request."""

    request: str
    kind: Literal["profile", "message"]
    friend: str
    connection: int
    requested_at: int | None = None
    at: int
    profile: ProfileResult | None = None
    message: MessageResult | None = None


read_result = decoder(Result)
