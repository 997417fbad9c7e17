"""The sweep's calls: few, and only while nothing more important wants HubSpot.

Law: at most `PART` of our share of the quota, never while an operator holds the sink or changes wait out a trouble, and
never without the lease. A trouble is waited out for ever; a call that HubSpot refuses is taken apart.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence

from clients.hubspot.troubles import HubSpotTrouble, Refused
from domain.batch_answers import Asked, BatchAnswer, ItemAnswer, share
from domain.quota import Quota
from domain.retry import PORTAL
from runtime.lease import Lease
from runtime.metrics import Metrics
from sinks.hubspot.deliverer import Deliverer
from sinks.hubspot.gate import BY_OPERATOR
from sinks.hubspot.portal import Portal

PART = 0.05
READ = "batch/read"
_LOOK_AGAIN = 0.2
_AT_LEAST = 0.01
_NOTHING = ItemAnswer(unsure=True)


class SweepCalls:
    """Reads contacts for the sweep, one call at a time."""

    def __init__(
        self,
        *,
        portal: Portal,
        deliverer: Deliverer,
        quota: Quota,
        lease: Lease,
        metrics: Metrics,
        monotonic: Callable[[], float],
        now_ms: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        self._portal, self._deliverer, self._quota, self._lease = portal, deliverer, quota, lease
        self._metrics, self._monotonic, self._now_ms, self._chance = metrics, monotonic, now_ms, chance
        self._next_at = -math.inf
        self._failures = 0
        self.asked_at = 0

    async def read(
        self, keys: Sequence[str], names: Sequence[str], *, archived: bool = False, id_property: str | None = None
    ) -> Mapping[str, ItemAnswer]:
        """What HubSpot has of each key, at most 100 different ones; `unsure` where it does not say.

        `asked_at` is then the time (ms) before the last call.
        """
        try:
            answer = await self._asked(keys, names, archived, id_property)
        except Refused:
            return await self._in_parts(keys, names, archived, id_property)
        by_email = id_property is not None
        asked = [Asked(trace="", email=key) if by_email else Asked(trace="", id=key) for key in keys]
        items = dict(zip(keys, share(answer, asked, traced=False), strict=True))
        if len(keys) > 1:
            for key in [key for key, item in items.items() if item.unsure]:
                items |= await self.read([key], names, archived=archived, id_property=id_property)
        return items

    async def _in_parts(
        self, keys: Sequence[str], names: Sequence[str], archived: bool, id_property: str | None
    ) -> Mapping[str, ItemAnswer]:
        """A call was refused as wrong: halves of it, until the guilty key is alone and left out."""
        if len(keys) == 1:
            self._metrics.error("sweep_refused")
            return {keys[0]: _NOTHING}
        middle = (len(keys) + 1) // 2
        found: dict[str, ItemAnswer] = {}
        for half in (keys[:middle], keys[middle:]):
            found |= await self.read(half, names, archived=archived, id_property=id_property)
        return found

    async def _asked(
        self, keys: Sequence[str], names: Sequence[str], archived: bool, id_property: str | None
    ) -> BatchAnswer:
        while True:
            await self._turn()
            self.asked_at = self._now_ms()
            ticket, limits = self._quota.sent(self._monotonic()), None
            try:
                answer = await self._portal.api.batch_read(keys, names, archived=archived, id_property=id_property)
                limits = answer.limits
            except Refused as refused:
                limits = refused.answer.limits
                self._metrics.call(READ, refused.answer.status)
                raise
            except HubSpotTrouble as trouble:
                limits = trouble.limits
                self._metrics.call(READ, trouble.code)
                self._troubled(trouble)
            else:
                self._metrics.call(READ, answer.status)
                self._succeeded()
                return answer
            finally:
                self._quota.answered(ticket, self._monotonic(), limits)
                self._next_at = max(self._next_at, self._monotonic() + self._spacing())

    async def _turn(self) -> None:
        """Wait until a call may be made."""
        while True:
            wait = self._wait(self._monotonic())
            if not wait:
                return
            await asyncio.sleep(min(max(wait, _AT_LEAST), 1.0))

    def _wait(self, now: float) -> float:
        if not self._lease.held() or not self._portal.ready or not self._is_open(now):
            return _LOOK_AGAIN
        return max(0.0, self._next_at - now, self._quota.wait(now, share=self._deliverer.share, low=True))

    def _is_open(self, now: float) -> bool:
        """In trouble, who has changes tries first; where none wait, the sweep finds out when the trouble is over."""
        gate = self._deliverer.gate
        if gate.paused is None:
            return True
        return gate.paused.code != BY_OPERATOR and not len(self._deliverer) and not gate.wait(now)

    def _spacing(self) -> float:
        """Seconds from an answer to the next call that keep within our part, however long the window is looked at."""
        calls = self._quota.limit * self._deliverer.share * PART
        return self._quota.policy.interval / max(calls, 1e-3)

    def _succeeded(self) -> None:
        self._failures = 0
        if not len(self._deliverer):
            self._deliverer.gate.succeeded(now=self._monotonic())

    def _troubled(self, trouble: HubSpotTrouble) -> None:
        self._failures += 1
        now = self._monotonic()
        hold = self._portal.hold_for(trouble, self._quota, now=now, now_ms=self._now_ms())
        if hold:
            self._quota.hold(now, hold)
        if len(self._deliverer):
            self._metrics.error(trouble.code)
        else:
            self._deliverer.gate.failed_with(trouble, now=now, chance=self._chance(), least=hold)
        self._next_at = now + max(hold, PORTAL.delay(self._failures, self._chance()))
