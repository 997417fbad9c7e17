"""What LINE answers, as values of ours.

Law: an answer carries LINE's own clock: the time of its `Date` header, whole seconds (facts/line.md 14).
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A value and the time (ms, whole seconds) at which LINE gave it."""

    value: T
    at: int


@dataclass(frozen=True, slots=True, repr=False)
class IssuedToken:
    """A stateless channel access token and the seconds it lives from now on."""

    token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Bot:
    """The account behind a token; `user_id` is the `destination` of its webhooks."""

    user_id: str
    basic_id: str
    name: str
    chat_mode: str
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The registered webhook URL; `active` is the console's switch "Use webhook"."""

    url: str
    active: bool


@dataclass(frozen=True, slots=True)
class WebhookTest:
    """What LINE met when it posted an empty webhook: `reason` OK, COULD_NOT_CONNECT, ERROR_STATUS_CODE, ..."""

    success: bool
    status: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """A friend's display name and picture URL."""

    name: str
    picture: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An accepted message; `already` = an earlier try with the same retry key had been accepted (409)."""

    already: bool
    request_id: str | None
