"""Who exists: official accounts, people, and what lies between them. Plain records."""

from dataclasses import dataclass, field
from typing import Literal

ChatMode = Literal["chat", "bot"]
EventMode = Literal["active", "standby"]


@dataclass(slots=True, kw_only=True)
class DeliverySettings:
    """How one account's webhooks are delivered; LINE keeps count and interval of redelivery secret, so set them."""

    redelivery: bool = False
    redelivery_attempts: int = 5
    redelivery_delay_ms: int = 200
    duplicate_rate: float = 0.0
    reorder_ms: int = 0
    events_per_post: int = 1
    escape_rate: float = 0.5
    timeout_ms: int = 2000


@dataclass(slots=True, kw_only=True)
class Account:
    """One LINE Official Account with its Messaging API channel."""

    channel_id: str
    channel_secret: str
    bot_user_id: str
    basic_id: str
    display_name: str
    provider: str
    premium_id: str | None = None
    picture_url: str | None = None
    chat_mode: ChatMode = "bot"
    verified: bool = True
    mode: EventMode = "active"
    endpoint: str | None = None
    webhook_active: bool = True
    monthly_limit: int | None = None
    used: int = 0
    delivery: DeliverySettings = field(default_factory=DeliverySettings)


@dataclass(slots=True, kw_only=True)
class Person:
    """A LINE user; `key` names the person in the simulator, the user id differs per provider."""

    key: str
    display_name: str
    picture_url: str | None = None
    language: str | None = None
    status_message: str | None = None
    consented: bool = True


@dataclass(slots=True)
class Friendship:
    """What lies between one person and one account; `last_at` is the time of the person's last act there (ms)."""

    friend: bool = False
    blocked: bool = False
    wrote_at: int | None = None
    last_at: int = 0

    def next_at(self, at: int) -> int:
        """Return a time for the next act: nobody acts twice in one millisecond, so the clock tells the order."""
        self.last_at = max(at, self.last_at + 1)
        return self.last_at

    def readable(self) -> bool:
        """Tell whether the profile can be read: friends and those who wrote, unless they blocked the account."""
        return not self.blocked and (self.friend or self.wrote_at is not None)


@dataclass(slots=True)
class Group:
    """A group (`C...`) or a multi-person room (`R...`) and the accounts that joined it."""

    group_id: str
    joined: set[str] = field(default_factory=set)

    @property
    def kind(self) -> Literal["group", "room"]:
        """Return the source type of its events."""
        return "room" if self.group_id.startswith("R") else "group"


@dataclass(slots=True)
class Media:
    """Content of a message that can be downloaded: preparing until `ready_at` (ms), gone once unsent."""

    content_type: str
    data: bytes
    ready_at: int
    gone: bool = False


@dataclass(slots=True)
class ReplyToken:
    """A single use answer to one event."""

    channel_id: str
    to: str
    event_at: int
    received_at: int
    used: bool = False
