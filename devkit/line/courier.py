"""Webhook delivery: at most once by default, redelivered where that is switched on, sometimes twice, any order.

Facts/line.md 6: a redelivery is another body with the same `webhookEventId`; a duplicate comes without `isRedelivery`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

import aiohttp

from devkit.clock import Random
from devkit.line import events
from devkit.line.deliveries import Attempt, Delivery, DeliveryBook
from devkit.line.model import Account
from devkit.line.posting import Posted, post_signed
from devkit.line.signature import Json, encode
from devkit.line.world import World


class Courier:
    """Carries events to webhooks and keeps the book; `now` is the simulator's clock."""

    def __init__(self, world: World, session: aiohttp.ClientSession, now: Callable[[], int], chance: Random) -> None:
        self.book = DeliveryBook()
        self._world = world
        self._session = session
        self._now = now
        self._chance = chance
        self._held: dict[str, list[Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def carry(self, account: Account, caused: list[Json]) -> list[Delivery]:
        """Send events in one POST and return once the first attempt is over, or at once while held or reordered."""
        deliveries = [self.book.open(account.channel_id, event) for event in caused]
        if account.channel_id in self._held:
            self._held[account.channel_id] += deliveries
        elif account.delivery.reorder_ms > 0:
            self._later(
                self._chance.uniform(0, account.delivery.reorder_ms), partial(self._deliver, account, deliveries)
            )
        else:
            await self._deliver(account, deliveries)
        return deliveries

    def hold(self, account: Account) -> None:
        """Keep the account's events back until they are released."""
        self._held.setdefault(account.channel_id, [])

    async def release(self, account: Account, *, shuffle: bool = False, per_post: int | None = None) -> list[Delivery]:
        """Send what was held, `per_post` events a body, in any order if `shuffle`."""
        held = self._held.pop(account.channel_id, [])
        if shuffle:
            self._chance.shuffle(held)
        size = per_post or account.delivery.events_per_post
        bodies = [held[start : start + size] for start in range(0, len(held), size)]
        for body in bodies:
            await self._deliver(account, body)
        return held

    async def drain(self) -> None:
        """Wait until no redelivery, duplicate or delayed event is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Drop what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def probe(self, account: Account, url: str) -> Posted:
        """POST the signed empty body of the webhook test to a URL."""
        body = encode(events.envelope(account.bot_user_id, []), escape=False)
        return await post_signed(self._session, url, account.channel_secret, body, account.delivery.timeout_ms / 1000)

    async def _deliver(self, account: Account, deliveries: list[Delivery]) -> None:
        settings = account.delivery
        if account.endpoint is None or not account.webhook_active or not deliveries:
            return
        if self._chance.random() < settings.duplicate_rate:
            self._later(
                self._chance.uniform(0, max(50, settings.reorder_ms)), partial(self._duplicate, account, deliveries)
            )
        posted = await self._attempt(account, deliveries)
        if not posted.acknowledged and settings.redelivery:
            self._later(settings.redelivery_delay_ms, partial(self._redeliver, account, deliveries))

    async def _duplicate(self, account: Account, deliveries: list[Delivery]) -> None:
        await self._attempt(account, deliveries, duplicate=True)

    async def _redeliver(self, account: Account, deliveries: list[Delivery]) -> None:
        settings = account.delivery
        for attempt in range(settings.redelivery_attempts):
            if (await self._attempt(account, deliveries, redelivery=True)).acknowledged:
                return
            await asyncio.sleep(settings.redelivery_delay_ms * 2**attempt / 1000)

    async def _attempt(
        self, account: Account, deliveries: list[Delivery], *, redelivery: bool = False, duplicate: bool = False
    ) -> Posted:
        at = self._now()
        sent = [d.event if not redelivery else events.again(d.event, redelivery=True) for d in deliveries]
        self._receive_reply_tokens(sent, at)
        escape = self._chance.random() < account.delivery.escape_rate
        body = encode(events.envelope(account.bot_user_id, sent), escape=escape)
        timeout_s = account.delivery.timeout_ms / 1000
        posted = await post_signed(self._session, account.endpoint or "", account.channel_secret, body, timeout_s)
        attempt = Attempt(
            channel_id=account.channel_id,
            event_ids=tuple(d.event_id for d in deliveries),
            at=at,
            status=posted.status,
            reason=posted.reason,
            detail=posted.detail,
            latency_ms=posted.latency_ms,
            redelivery=redelivery,
            duplicate=duplicate,
        )
        self.book.enter(deliveries, attempt)
        return posted

    def _receive_reply_tokens(self, sent: list[Json], at: int) -> None:
        for event in sent:
            token = self._world.reply_tokens.get(event.get("replyToken", ""))
            if token is not None:
                token.received_at = at

    def _later(self, delay_ms: float, work: Callable[[], Coroutine[object, object, None]]) -> None:
        async def wait() -> None:
            await asyncio.sleep(delay_ms / 1000)
            await work()

        task = asyncio.create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
