"""The book of webhook deliveries: what was sent, and what was acknowledged with a 2xx. Pure."""

from dataclasses import dataclass, field

from devkit.line.signature import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One POST of one body; `status` 0 means no answer, `reason` as in LINE's error statistics."""

    channel_id: str
    event_ids: tuple[str, ...]
    at: int
    status: int
    reason: str
    detail: str
    latency_ms: float
    redelivery: bool = False
    duplicate: bool = False

    @property
    def acknowledged(self) -> bool:
        """Tell whether the receiver answered 2xx in time."""
        return 200 <= self.status < 300


@dataclass(slots=True)
class Delivery:
    """One event on its way to the account's webhook, with every attempt that held it."""

    channel_id: str
    event: Json
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def event_id(self) -> str:
        """Return the webhookEventId, empty for events that have none."""
        return str(self.event.get("webhookEventId", ""))

    @property
    def acknowledged(self) -> bool:
        """Tell whether any attempt was answered 2xx."""
        return any(attempt.acknowledged for attempt in self.attempts)


class DeliveryBook:
    """Every event that was sent, in the order of the acts."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.attempts: list[Attempt] = []

    def open(self, channel_id: str, event: Json) -> Delivery:
        """Enter an event before its first attempt."""
        delivery = Delivery(channel_id, event)
        self.deliveries.append(delivery)
        return delivery

    def enter(self, deliveries: list[Delivery], attempt: Attempt) -> None:
        """Enter one POST for all events it held."""
        self.attempts.append(attempt)
        for delivery in deliveries:
            delivery.attempts.append(attempt)

    def acknowledged(self, channel_id: str | None = None) -> list[Json]:
        """Return the events that some attempt got a 2xx for: what the receiver must not lose."""
        return [d.event for d in self.deliveries if d.acknowledged and channel_id in (None, d.channel_id)]

    def unacknowledged(self, channel_id: str | None = None) -> list[Json]:
        """Return the events nobody promised to keep."""
        return [d.event for d in self.deliveries if not d.acknowledged and channel_id in (None, d.channel_id)]
