"""Sends posts to a webhook as LINE does: signed, 2 s to answer, redelivered only if told so; at a rate or flat out."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp

from devkit.line.events import envelope
from devkit.line.model import Account
from devkit.line.posting import Posted, post_signed
from devkit.line.signature import encode
from devkit.traffic.report import Outcome, Report
from devkit.traffic.storm import Post


@dataclass(frozen=True, slots=True)
class Receiver:
    """A webhook: its URL, the channel secret that signs, and the bot's user id."""

    url: str
    secret: str
    destination: str

    @classmethod
    def of(cls, account: Account, url: str | None = None) -> Self:
        """Return the webhook of a simulated account, by default at the endpoint that was set for it."""
        return cls(url or account.endpoint or "", account.channel_secret, account.bot_user_id)


class WebhookSender:
    """Posts with at most `concurrency` requests open; a post without 2xx is redelivered up to `redeliveries` times."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        concurrency: int = 32,
        timeout_s: float = 2.0,
        redeliveries: int = 0,
        redelivery_delay_s: float = 0.2,
    ) -> None:
        self._receiver = receiver
        self._concurrency = concurrency
        self._timeout_s = timeout_s
        self._redeliveries = redeliveries
        self._redelivery_delay_s = redelivery_delay_s

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=self._concurrency))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, posts: Iterable[Post], *, rate: float | None = None) -> Report:
        """Send all posts, `rate` POSTs a second (None: as fast as they are answered), and return the report."""
        clock = asyncio.get_running_loop().time
        report, queue, started = Report(), enumerate(posts), clock()

        async def work() -> None:
            for number, post in queue:
                if rate is not None:
                    await asyncio.sleep(started + number / rate - clock())
                await self._until_acknowledged(post, report)

        await asyncio.gather(*(work() for _ in range(self._concurrency)))
        report.seconds = clock() - started
        return report

    async def post(self, post: Post) -> Posted:
        """Send one post once."""
        body = encode(envelope(self._receiver.destination, post.events), escape=post.escape)
        return await post_signed(self._session, self._receiver.url, self._receiver.secret, body, self._timeout_s)

    async def _until_acknowledged(self, post: Post, report: Report) -> None:
        for attempt, version in enumerate(self._versions(post)):
            if attempt:
                await asyncio.sleep(self._redelivery_delay_s * 2 ** min(attempt - 1, 5))
            posted = await self.post(version)
            report.outcomes.append(Outcome(version, posted, attempt))
            if posted.acknowledged:
                return

    def _versions(self, post: Post) -> Iterator[Post]:
        yield post
        for _ in range(self._redeliveries):
            yield post.redelivered()
