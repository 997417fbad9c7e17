"""LINE in a box: a real HTTP server over a simulated world, driven by Python or by its admin API.

async with LineSimulator(seed=1) as line:
    shop = line.add_account(display_name="Shop", endpoint="http://127.0.0.1:8080/line/1")
    mari = line.add_user("Mari")
    await line.follow(shop, mari)
    await line.message(shop, mari, "hello")
    line.acknowledged(shop)  # the events that were answered 2xx
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from devkit import clock
from devkit.line import admin_api
from devkit.line.acts import WITHOUT_PERSON, act_of
from devkit.line.deliveries import Delivery, DeliveryBook
from devkit.line.faults import Fault
from devkit.line.gate import LARGEST_BODY, Gate
from devkit.line.model import Account, ChatMode, DeliverySettings, Group, Person
from devkit.line.platform import Called, Platform, make_platform
from devkit.line.portraits import portraits
from devkit.line.routes import ROUTES
from devkit.line.sending import Sent
from devkit.line.signature import Json


class LineSimulator:
    """The platform and its server on `host`; port 0 takes any free one. Accounts and users go by object or id."""

    def __init__(
        self, *, seed: int = 0, host: str = "127.0.0.1", port: int = 0, now: Callable[[], int] = clock.now_ms
    ) -> None:
        self.url = ""
        self._seed = seed
        self._host = host
        self._port = port
        self._now = now

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.platform: Platform = make_platform(self._seed, self._now, self._session)
        self._gate = Gate(self.platform)
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_routes([web.route(route.method, route.path, self._gate.handler(route)) for route in ROUTES])
        app.router.add_routes(admin_api.routes(self))
        app.router.add_route("*", "/{path:.*}", self._gate.unknown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self.url = f"http://{self._host}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.stopping.set()
        await self.platform.courier.close()
        await self._runner.cleanup()
        await self._session.close()

    @property
    def book(self) -> DeliveryBook:
        """Return the book of webhook deliveries."""
        return self.platform.courier.book

    @property
    def sent(self) -> list[Sent]:
        """Return the messages that reached somebody, oldest first."""
        return self.platform.sending.sent

    @property
    def calls(self) -> list[Called]:
        """Return every answered call of the Messaging API, oldest first."""
        return self.platform.calls

    def add_account(
        self,
        *,
        display_name: str = "Shop",
        provider: str = "provider",
        channel_id: str | None = None,
        channel_secret: str | None = None,
        bot_user_id: str | None = None,
        basic_id: str | None = None,
        premium_id: str | None = None,
        picture_url: str | None = None,
        chat_mode: ChatMode = "bot",
        verified: bool = True,
        endpoint: str | None = None,
        webhook_active: bool = True,
        monthly_limit: int | None = None,
        delivery: DeliverySettings | None = None,
    ) -> Account:
        """Open an official account with a channel; what is not given is drawn from the seed."""
        ids = self.platform.world.ids
        account = Account(
            channel_id=channel_id or ids.channel_id(),
            channel_secret=channel_secret or ids.hexadecimal(),
            bot_user_id=bot_user_id or ids.hexadecimal("U"),
            basic_id=basic_id or ids.hexadecimal("@", 8),
            display_name=display_name,
            provider=provider,
            premium_id=premium_id,
            picture_url=picture_url,
            chat_mode=chat_mode,
            verified=verified,
            endpoint=endpoint,
            webhook_active=webhook_active,
            monthly_limit=monthly_limit,
            delivery=delivery or DeliverySettings(),
        )
        self.platform.world.accounts[account.channel_id] = account
        return account

    def add_user(
        self,
        display_name: str,
        *,
        key: str | None = None,
        picture_url: str | None = None,
        language: str | None = "ja",
        status_message: str | None = None,
        consented: bool = True,
    ) -> Person:
        """Add a person; `key` (default `user-N`) names them in stories and decides their user ids."""
        person = Person(
            key=key or f"user-{len(self.platform.world.people) + 1}",
            display_name=display_name,
            picture_url=picture_url,
            language=language,
            status_message=status_message,
            consented=consented,
        )
        self.platform.world.people[person.key] = person
        for account in self.platform.world.accounts.values():
            self.platform.world.user_id(account, person)
        return person

    def add_group(self, *, room: bool = False) -> Group:
        """Add a group, or a multi-person room of the old kind."""
        group = Group(self.platform.world.ids.hexadecimal("R" if room else "C"))
        self.platform.world.groups[group.group_id] = group
        return group

    def user_id(self, account: Account | str, user: Person | str) -> str:
        """Return the id by which an account knows a user."""
        return self.platform.world.user_id(self.platform.world.account(account), self.platform.world.person(user))

    def perform(
        self,
        name: str,
        account: Account | str,
        user: Person | str | None = None,
        *,
        at: int | None = None,
        **fields: object,
    ) -> Json | None:
        """Let a user do something and return its event undelivered, for `post` or `devkit.traffic`."""
        act = act_of(self.platform.acts, name)
        who = () if name in WITHOUT_PERSON or user is None else (self.platform.world.person(user),)
        return act(self.platform.world.account(account), *who, self._now() if at is None else at, **fields)

    async def act(
        self,
        name: str,
        account: Account | str,
        user: Person | str | None = None,
        *,
        at: int | None = None,
        **fields: object,
    ) -> Delivery | None:
        """Let a user do something and deliver its event; None when LINE sends nothing. Names: devkit.line.acts.ACTS.

        Returns after the first attempt of the delivery, or at once while the account is held or reordered.
        """
        place = self.platform.world.account(account)
        event = self.perform(name, place, user, at=at, **fields)
        return None if event is None else (await self.platform.courier.carry(place, [event]))[0]

    async def crowd(self, account: Account | str, count: int, *, concurrency: int = 16) -> list[Delivery]:
        """Add `count` people with names and pictures, and let all of them follow the account at once."""
        place = self.platform.world.account(account)
        portrayed = portraits(count, self._seed + len(self.platform.world.people))
        people = [self.add_user(name, picture_url=picture) for name, picture in portrayed]
        follows = iter([event for person in people if (event := self.perform("follow", place, person))])
        deliveries: list[Delivery] = []

        async def deliver() -> None:
            for event in follows:
                deliveries.extend(await self.platform.courier.carry(place, [event]))

        await asyncio.gather(*(deliver() for _ in range(concurrency)))
        return deliveries

    async def follow(self, account: Account | str, user: Person | str, *, at: int | None = None) -> Delivery | None:
        """Let a user add the account, or unblock it."""
        return await self.act("follow", account, user, at=at)

    async def block(self, account: Account | str, user: Person | str, *, at: int | None = None) -> Delivery | None:
        """Let a user block the account: the event is `unfollow`."""
        return await self.act("unfollow", account, user, at=at)

    async def message(
        self, account: Account | str, user: Person | str, text: str = "hello", *, at: int | None = None
    ) -> Delivery | None:
        """Let a user write a text."""
        return await self.act("text", account, user, at=at, text=text)

    async def unsend(
        self, account: Account | str, user: Person | str, message_id: str, *, at: int | None = None
    ) -> Delivery | None:
        """Let a user take a message back."""
        return await self.act("unsend", account, user, at=at, message_id=message_id)

    async def post(self, account: Account | str, events: list[Json]) -> list[Delivery]:
        """Deliver events made elsewhere, odd ones too, in one signed POST."""
        return await self.platform.courier.carry(self.platform.world.account(account), events)

    def hold(self, account: Account | str) -> None:
        """Keep the account's events back, to release them together, several a body, or out of order."""
        self.platform.courier.hold(self.platform.world.account(account))

    async def release(
        self, account: Account | str, *, shuffle: bool = False, per_post: int | None = None
    ) -> list[Delivery]:
        """Deliver what was held."""
        place = self.platform.world.account(account)
        return await self.platform.courier.release(place, shuffle=shuffle, per_post=per_post)

    async def drain(self) -> None:
        """Wait until no delivery is under way, redeliveries and duplicates included."""
        await self.platform.courier.drain()

    def acknowledged(self, account: Account | str | None = None) -> list[Json]:
        """Return the events that were answered 2xx: what must never be lost."""
        channel_id = None if account is None else self.platform.world.account(account).channel_id
        return self.book.acknowledged(channel_id)

    def add_fault(self, fault: Fault) -> Fault:
        """Script the next answers of a call."""
        return self.platform.faults.add(fault)

    def long_lived_token(self, account: Account | str) -> str:
        """Issue the one long-lived token of the console; the one before it dies."""
        place = self.platform.world.account(account)
        return self.platform.tokens.issue("long", place.channel_id, self._now()).value

    def revoke_tokens(self, account: Account | str) -> int:
        """Kill every token of the account and return how many: each caller meets a 401."""
        return self.platform.tokens.revoke_all(self.platform.world.account(account).channel_id)

    def reissue_secret(self, account: Account | str) -> str:
        """Issue the channel secret anew; the old one signs nothing from now on."""
        place = self.platform.world.account(account)
        place.channel_secret = self.platform.world.ids.hexadecimal()
        return place.channel_secret
