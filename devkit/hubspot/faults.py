"""Trouble on order: scripted answers, answers that never come, added latency. It only says what should happen."""

from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec
import orjson

from devkit.clock import Random
from devkit.hubspot.quota import exceeded

Effect = Literal[
    "answer",  # nothing is applied, this status and body come
    "timeout",  # nothing is applied, no answer comes
    "drop",  # nothing is applied, the connection is closed
    "apply-then-answer",  # the call is carried out, but this status and body come
    "apply-then-timeout",  # the call is carried out, no answer comes
    "apply-then-drop",  # the call is carried out, the connection is closed
    "apply-late",  # the connection is closed, the call is carried out `delay_ms` later
]

HTML = "text/html; charset=utf-8"
JSON = "application/json;charset=utf-8"

_TEXTS = {
    401: ("The access token is expired. It was revoked or is too old.", "EXPIRED_AUTHENTICATION"),
    403: ("This app hasn't been granted all required scopes to make this call.", "MISSING_SCOPES"),
    404: ("resource not found", "OBJECT_NOT_FOUND"),
    409: ("Contact already exists", "CONFLICT"),
    423: ("The resource is locked: it is being written heavily.", "LOCKED"),
    477: ("The account is being moved to another data center.", "MIGRATION_IN_PROGRESS"),
}


class Fault(msgspec.Struct, kw_only=True):
    """One order. `call` is a name of routing or a pattern such as `batch/*`; `times` None lasts until it is cleared.

    `body` None stands for what HubSpot documents for the status (and `policy`, for 429). `containing` restricts it
    to requests whose body or path has this text. `skip` lets that many matching calls pass first.
    """

    effect: Effect = "answer"
    call: str = "*"
    times: int | None = 1
    skip: int = 0
    status: int = 503
    policy: Literal["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"] = "TEN_SECONDLY_ROLLING"
    body: dict[str, Any] | str | None = None
    headers: dict[str, str] = {}
    containing: str = ""
    delay_ms: int = 120_000  # how long a timeout keeps the connection open, or how late the call is carried out


class Latency(msgspec.Struct, kw_only=True):
    """Added time before the answers of these calls: `fixed_ms` plus up to `random_ms`."""

    fixed_ms: int = 0
    random_ms: int = 0
    call: str = "*"


class Faults:
    """The orders that are still open."""

    def __init__(self, random: Random) -> None:
        self.orders: list[Fault] = []
        self.latencies: list[Latency] = []
        self._random = random

    def order(self, fault: Fault) -> Fault:
        """Add an order; earlier ones come first."""
        self.orders.append(fault)
        return fault

    def answer_next(
        self, call: str, status: int, times: int | None = 1, body: dict[str, Any] | str | None = None
    ) -> Fault:
        """Answer the next calls of this name with a status, applying nothing."""
        return self.order(Fault(call=call, status=status, times=times, body=body))

    def apply_then(self, call: str, status: int = 502, times: int | None = 1) -> Fault:
        """Carry the next calls out, but answer this status."""
        return self.order(Fault(effect="apply-then-answer", call=call, status=status, times=times))

    def apply_then_timeout(self, call: str, times: int | None = 1, hold_ms: int = 120_000) -> Fault:
        """Carry the next calls out, but never answer."""
        return self.order(Fault(effect="apply-then-timeout", call=call, times=times, delay_ms=hold_ms))

    def apply_late(self, call: str, delay_ms: int, times: int | None = 1) -> Fault:
        """Close the connection of the next calls and carry them out later."""
        return self.order(Fault(effect="apply-late", call=call, times=times, delay_ms=delay_ms))

    def drop_next(self, call: str, times: int | None = 1, *, applied: bool = False) -> Fault:
        """Close the connection of the next calls without an answer."""
        return self.order(Fault(effect="apply-then-drop" if applied else "drop", call=call, times=times))

    def add_latency(self, fixed_ms: int = 0, random_ms: int = 0, call: str = "*") -> Latency:
        """Slow these calls down until the faults are cleared."""
        self.latencies.append(Latency(fixed_ms=fixed_ms, random_ms=random_ms, call=call))
        return self.latencies[-1]

    def clear(self) -> None:
        """Forget every order and latency."""
        self.orders.clear()
        self.latencies.clear()

    def take(self, call: str, path: str, body: bytes) -> Fault | None:
        """Return the order this call falls under, and count it down."""
        for fault in self.orders:
            if not fnmatchcase(call, fault.call):
                continue
            if fault.containing and fault.containing.encode() not in body and fault.containing not in path:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.orders.remove(fault)
            return fault
        return None

    def delay(self, call: str) -> int:
        """Return the added latency of this call in ms."""
        slow = [latency for latency in self.latencies if fnmatchcase(call, latency.call)]
        return sum(latency.fixed_ms + self._random.randint(0, latency.random_ms) for latency in slow)


def scripted(fault: Fault, correlation_id: str) -> tuple[dict[str, str], bytes]:
    """Return headers and body of an ordered answer: the given ones, else what is documented for the status."""
    headers = dict(fault.headers)
    body = fault.body
    if body is None:
        body, documented = _documented(fault)
        headers = {**documented, **headers}
    if isinstance(body, str):
        return {"Content-Type": HTML, **headers}, body.encode()
    return {"Content-Type": JSON, **headers}, orjson.dumps({"correlationId": correlation_id, **body})


def _documented(fault: Fault) -> tuple[dict[str, Any] | str, dict[str, str]]:
    status = fault.status
    if status >= 500:
        return f"<html><head><title>{status}</title></head><body><h1>Error {status}</h1></body></html>", {}
    if status == 429:
        return exceeded(fault.policy), {}
    message, category = _TEXTS.get(status, (f"Error {status}", "VALIDATION_ERROR"))
    return {"status": "error", "message": message, "category": category}, {"Retry-After": "60"} if status == 477 else {}
