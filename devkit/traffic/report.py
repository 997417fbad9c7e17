"""What became of the traffic: every POST, and the events the receiver promised to keep by a 2xx. Pure."""

from collections import Counter
from dataclasses import dataclass, field

from devkit.line.posting import Posted
from devkit.line.signature import Json
from devkit.traffic.storm import Post


def event_id(event: Json) -> str:
    """Return the `webhookEventId`, or the whole event for an odd one that has none."""
    return str(event.get("webhookEventId") or event)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One POST and its answer; `attempt` counts from 0, later ones are redeliveries."""

    post: Post
    posted: Posted
    attempt: int


@dataclass(slots=True)
class Report:
    """Everything that was sent, in the order of the answers; `seconds` from the first POST to the last answer."""

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def acknowledged(self) -> list[Json]:
        """Return the distinct events some POST got a 2xx for, by `webhookEventId`, in the order of acknowledgement."""
        kept: dict[str, Json] = {}
        for outcome in self.outcomes:
            if outcome.posted.acknowledged:
                for event in outcome.post.events:
                    kept.setdefault(event_id(event), event)
        return list(kept.values())

    @property
    def unacknowledged(self) -> list[Json]:
        """Return the distinct events no POST got a 2xx for: they may be stored all the same, or lost."""
        kept = {event_id(event) for event in self.acknowledged}
        sent = {event_id(event): event for outcome in self.outcomes for event in outcome.post.events}
        return [event for identifier, event in sent.items() if identifier not in kept]

    @property
    def posts(self) -> int:
        """Return how many POSTs were made."""
        return len(self.outcomes)

    @property
    def events_sent(self) -> int:
        """Return how many events the POSTs held, copies counted."""
        return sum(len(outcome.post.events) for outcome in self.outcomes)

    @property
    def answers(self) -> Counter[str]:
        """Return how many POSTs ended how: `200`, `503`, `REQUEST_TIMEOUT`, ..."""
        return Counter(str(o.posted.status) if o.posted.status else o.posted.reason for o in self.outcomes)

    def latency_ms(self, percent: float) -> float:
        """Return a percentile (0-100) of the time to a 2xx in ms; 0 when there was none."""
        times = sorted(o.posted.latency_ms for o in self.outcomes if o.posted.acknowledged)
        return times[min(len(times) - 1, int(len(times) * percent / 100))] if times else 0.0

    def joined(self, later: "Report") -> "Report":
        """Return this report and a later one as one; their times add up."""
        return Report(self.outcomes + later.outcomes, self.seconds + later.seconds)
