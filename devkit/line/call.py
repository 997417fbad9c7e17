"""One call of the Messaging API as the pure side sees it: no sockets, the body read, the clock read once."""

from dataclasses import dataclass, field

import orjson

from devkit.line.answer import Answer, refused
from devkit.line.model import Account
from devkit.line.signature import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request; `account` is who the bearer token belongs to, None on the token endpoints."""

    name: str
    now: int
    request_id: str
    account_or_none: Account | None = None
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    retry_key: str | None = None

    @property
    def account(self) -> Account:
        """Return the account of an authorised call."""
        assert self.account_or_none is not None
        return self.account_or_none

    def json(self) -> Json | Answer:
        """Return the body as an object, or the 400 of one that is none."""
        try:
            parsed = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError:
            parsed = None
        if isinstance(parsed, dict):
            return parsed
        return refused(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
