"""Scripted trouble: the next N answers of a call, told in advance by a test or a demo."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from devkit.line.answer import MONTHLY_LIMIT, RATE_LIMITED, SAME_USER, Answer
from devkit.line.signature import Json

Trouble = Literal["answer", "slow", "hang", "drop"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """Trouble of one call (`*`: any) on one channel (None: any).

    `answer` gives `status` and `body`, `slow` waits `delay_ms` and goes on, `hang` keeps the caller waiting,
    `drop` closes the connection. With `after` the call is carried out first, so that only its answer is lost.
    `skip` calls pass before it starts; `times` None lasts until it is cleared.
    """

    trouble: Trouble = "answer"
    call: str = "*"
    channel_id: str | None = None
    times: int | None = 1
    skip: int = 0
    status: int = 500
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    after: bool = False

    @property
    def answer(self) -> Answer:
        """Return the scripted answer."""
        return Answer(self.status, self.body or {"message": "Internal server error"}, dict(self.headers))


class Faults:
    """The troubles waiting to happen, oldest first, and how many of each call they met."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.met: Counter[str] = Counter()

    def add(self, fault: Fault) -> Fault:
        """Script one trouble."""
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all trouble that has not happened."""
        self.waiting.clear()

    def meet(self, call: str, channel_id: str | None) -> Fault | None:
        """Return the trouble this call meets, if any, and use it up."""
        for fault in self.waiting:
            if fault.call not in ("*", call) or fault.channel_id not in (None, channel_id):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
            self.met[call] += 1
            return fault
        return None


def _of(answer: Answer, call: str, times: int | None) -> Fault:
    body = answer.body if isinstance(answer.body, dict) else None
    return Fault(call=call, times=times, status=answer.status, body=body)


def rate_limited(call: str = "*", times: int | None = 1) -> Fault:
    """Return the 429 of too many calls."""
    return _of(RATE_LIMITED, call, times)


def monthly_limit(call: str = "message.push", times: int | None = 1) -> Fault:
    """Return the 429 of a used up message quota."""
    return _of(MONTHLY_LIMIT, call, times)


def same_user(call: str = "message.push", times: int | None = 1) -> Fault:
    """Return the 429 of too many messages to one user."""
    return _of(SAME_USER, call, times)
