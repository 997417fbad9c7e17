"""The people: friends who write, come and go, newcomers, and colleagues who delete and edit contacts in HubSpot.

Law: what is right afterwards follows from what the people did and what the log holds, not from what the program
answered when. So nobody is deleted at a moment that leaves two answers: who must come back writes once more, and who
must stay away was at rest before.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from cli.demo_world.failure import NotSeenError
from cli.demo_world.world import World
from devkit.clock import now_ms
from devkit.hubspot.contacts import Contact
from devkit.line import Json, Person
from devkit.line.events import again
from devkit.traffic import Post, Receiver, WebhookSender
from devkit.traffic.report import event_id
from runtime.clock import monotonic
from tests.chaos.blows import while_it_lasts

FIRST_NAME = "Edited"
DUPLICATES = 0.1
LATE = 0.15
LATEST_SECONDS = 3.0
PATIENCE_SECONDS = 90.0


@dataclass(slots=True)
class Life:
    """One friend as LINE and we know them; `former` ones are deleted and shall stay so."""

    person: Person
    id: str
    newcomer: bool = False
    former: bool = False
    blocked: bool = False
    message: str | None = None
    deletions: int = 0
    edited: dict[str, dict[str, str]] = field(default_factory=dict)  # contact id -> what a colleague made of it


class Crowd:
    """Everybody of one world; `async with` it: its webhooks leave through one sender."""

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        self.lives: list[Life] = []
        self.sent: dict[str, Json] = {}
        self.acknowledged: set[str] = set()
        self.posts = 0
        self.answers: Counter[str] = Counter()  # to the webhooks of `live`, by status or what came instead
        self._chance = chance
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    async def __aenter__(self) -> Crowd:
        self._sender = await WebhookSender(Receiver.of(self.world.shop), concurrency=64).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.__aexit__(None, None, None)

    async def arrive(self, friends: int, former: int) -> None:
        """Let them follow and write while all is calm; the last `former` of them will be deleted for good."""
        for _ in range(friends):
            await self._deliver(self._perform(self._new(), "follow"))
        for life in self.lives[friends - former :]:
            life.former = True
        await asyncio.gather(*[self._deliver(self._words(life)) for life in self.lives])
        await self.settle()
        await self.world.idle(120)

    # -- what friends do ---------------------------------------------------------------------------------------------

    async def live(self, done: asyncio.Event, *, rate: float, newcomers: float) -> None:
        """Everybody but the former does something now and then, `rate` events a second, until `done`."""
        async for _ in while_it_lasts(done, lambda: self._chance.expovariate(rate)):
            if self._chance.random() < newcomers:
                life = self._new(newcomer=True)
                self._start(self._perform(life, "follow"))
            else:
                life = self._chance.choice(self.present)
                self._start(self._act(life))

    @property
    def present(self) -> list[Life]:
        """Who shall have a contact in the end."""
        return [life for life in self.lives if not life.former]

    @property
    def former(self) -> list[Life]:
        """Who shall have none in the end."""
        return [life for life in self.lives if life.former]

    def _new(self, *, newcomer: bool = False) -> Life:
        number = len(self.lives) + 1
        person = self.world.line.add_user(f"Friend {number}", picture_url=f"https://profile.line-scdn.net/0h{number}")
        life = Life(person, self.world.line.user_id(self.world.shop, person), newcomer)
        self.lives.append(life)
        return life

    def _act(self, life: Life) -> Json:
        if life.blocked:
            life.blocked = False
            return self._perform(life, "follow")
        dice = self._chance.random()
        if dice < 0.12 and not life.newcomer:  # who blocks before the profile was read stays without a name
            life.blocked = True
            return self._perform(life, "unfollow")
        if dice < 0.22 and life.message is not None:
            message, life.message = life.message, None
            return self._perform(life, "unsend", message_id=message)
        if dice < 0.32:
            return self._perform(life, "postback", data="menu=1")
        if dice < 0.4:
            return self._perform(life, "sticker", keywords=["love", "hi"])
        return self._words(life)

    def _words(self, life: Life) -> Json:
        self._number += 1
        event = self._perform(life, "text", text=f"message {self._number} こんにちは")
        life.message = str(event["message"]["id"])
        return event

    def _perform(self, life: Life, name: str, **fields: object) -> Json:
        event = self.world.line.perform(name, self.world.shop, life.person, at=now_ms(), **fields)
        assert event is not None, name
        return event

    # -- what colleagues do in HubSpot -------------------------------------------------------------------------------

    async def meddle(self, done: asyncio.Event, *, mean_pause: float) -> None:
        """Contacts of present friends are deleted or edited; who was deleted writes again when all is over."""
        first = {contact.id for contact in self.world.hubspot.people.contacts()}
        async for _ in while_it_lasts(done, lambda: self._chance.expovariate(1 / mean_pause)):
            life = self._chance.choice(self.present)
            contact = self._contact(life)
            if contact is None:
                continue
            if contact.id in first and self._chance.random() < 0.5:
                edit = {"email": f"{life.person.key}-{contact.id}@example.com", "firstname": FIRST_NAME}
                self.world.hubspot.people.edit_contact(contact.id, edit)
                life.edited[contact.id] = edit
            else:
                self.world.hubspot.people.delete_contact(contact.id)
                life.deletions += 1

    async def send_away(self, done: asyncio.Event, *, over_seconds: float) -> None:
        """One after the other, the former are deleted; what they do from then on brings nobody back."""
        former = self.former
        for life in former:
            if not done.is_set():
                await asyncio.sleep(self._chance.uniform(0, 2 * over_seconds / max(1, len(former))))
            contact = self._contact(life)
            assert contact is not None, "a former friend had no contact before the deletion"
            self.world.hubspot.people.delete_contact(contact.id)
            life.deletions += 1
            self._start(self._perform(life, "unfollow"))
            self._start_later(self._perform(life, "postback", data="menu=2"))
            if life.message is not None:
                self._start_later(self._perform(life, "unsend", message_id=life.message))
            for old in [event for event in self.sent.values() if event["source"]["userId"] == life.id]:
                self._start_later(again(old, redelivery=True))

    async def come_back(self) -> None:
        """Every present friend whose contact was deleted writes once more; every event reaches the ingress now."""
        await asyncio.gather(*[self._deliver(self._words(life)) for life in self.present if life.deletions])
        await self.settle()

    def _contact(self, life: Life) -> Contact | None:
        found = self.world.contacts_of(life.id)
        return found[0] if found else None

    # -- how it gets there -------------------------------------------------------------------------------------------

    async def pour(self, posts: Sequence[Post], *, rate: float) -> None:
        """Send ready-made posts at a rate, each until it is acknowledged."""
        async with WebhookSender(Receiver.of(self.world.shop), concurrency=64, redeliveries=16) as sender:
            report = await sender.send(posts, rate=rate)
        if report.unacknowledged:
            raise NotSeenError("every webhook to be taken in the end", f"{len(report.unacknowledged)} were not")
        self.posts += report.posts
        for event in report.acknowledged:
            self.sent.setdefault(event_id(event), event)
            self.acknowledged.add(event_id(event))

    async def settle(self) -> None:
        """Wait until no webhook is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._failures:
            raise self._failures[0]

    def _start(self, event: Json) -> None:
        pause = self._chance.uniform(0, LATEST_SECONDS) if self._chance.random() < LATE else 0.0
        self._in_background(event, pause)
        if self._chance.random() < DUPLICATES:
            self._in_background(again(event, redelivery=True), self._chance.uniform(0, LATEST_SECONDS))

    def _start_later(self, event: Json) -> None:
        self._in_background(event, self._chance.uniform(0, LATEST_SECONDS))

    def _in_background(self, event: Json, pause: float) -> None:
        task = asyncio.create_task(self._deliver(event, pause))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)

    async def _deliver(self, event: Json, pause: float = 0.0) -> None:
        """POST until it is acknowledged, as a redelivery from the second time on."""
        await asyncio.sleep(pause)
        identifier = event_id(event)
        self.sent.setdefault(identifier, event)
        post, began, wait = Post((event,)), monotonic(), 0.2
        while True:
            self.posts += 1
            posted = await self._sender.post(post)
            self.answers[str(posted.status or posted.reason)] += 1
            if posted.acknowledged:
                self.acknowledged.add(identifier)
                return
            if monotonic() - began > PATIENCE_SECONDS:
                raise NotSeenError(f"a webhook to be taken within {PATIENCE_SECONDS:.0f} s", posted.detail)
            await asyncio.sleep(wait)
            wait, post = min(2 * wait, 3.0), post.redelivered()
