"""The story of the demo, step by step; each step waits for what must be seen and fails with what was seen instead."""

import asyncio

from cli.demo_world.failure import NotSeenError, until
from cli.demo_world.kafka import fetch_kafka, folded_causes
from cli.demo_world.scoreboard import NAIVE_CALLS_PER_EVENT, Scoreboard, Verified, contact_calls, refused_calls
from cli.demo_world.steps import Steps
from cli.demo_world.storm import POSTS_PER_SECOND, disorder, lives
from cli.demo_world.why import sentences_about
from cli.demo_world.world import World
from devkit.hubspot.faults import Fault
from devkit.traffic import Receiver, Report, WebhookSender
from runtime.clock import monotonic

HELLO = "Do you have the blue one in size M?"
AGAIN = "Hello again, is anyone there?"
ACTS_EACH = 8


class Story:
    """Lives the story of Mari and `friends` - 1 others in a world."""

    def __init__(self, world: World, steps: Steps, *, friends: int, seed: int) -> None:
        self._world = world
        self._steps = steps
        self._friends = friends
        self._seed = seed
        self._began = monotonic()
        self._storm = Report()
        self._kills = 0
        self._written = ""
        self._mari = world.line.add_user("Mari Sato", key="mari", picture_url="https://profile.line-scdn.net/0hmari")
        self.mari = world.line.user_id(world.shop, self._mari)

    async def live(self) -> Scoreboard:
        """Take every step and return the scoreboard; raises NotSeenError."""
        await self._start()
        await self._connect()
        await self._meet()
        await self._write_and_block()
        await self._stay_deleted()
        await self._come_back()
        await self._weather_the_storm()
        return await self._settle_up()

    async def _start(self) -> None:
        world = self._world
        with self._steps.step("Real Kafka, the ingress, the Faust worker and the sinks start") as step:
            await fetch_kafka(world.environ, step.doing)
            step.doing("friendstream up")
            ready = await world.start()
            step.note(f"webhooks to {ready['ingress']}, pages on {ready['web']}")
        world.hubspot.faults.add_latency(30, 60, "*")  # as far away as HubSpot is

    async def _connect(self) -> None:
        world = self._world
        with self._steps.step(f"{world.shop.display_name} is connected: `friendstream connections add`") as step:
            added = await world.connect()
            if added["status"] != "connected":
                raise NotSeenError("the connection to be `connected`", str(added), world.up.log)
            labels = [p.label for p in world.hubspot.portal.schema.custom() if p.name.endswith(f"_{world.number}")]
            if len(labels) != 7 or world.shop.endpoint != added["webhook_url"]:
                raise NotSeenError("seven properties in HubSpot and the webhook at LINE", str(labels), world.up.log)
            step.note(f"connection {world.number}, webhook set and tested; seven properties: {', '.join(labels)}")

    async def _meet(self) -> None:
        world = self._world
        with self._steps.step(f"{self._friends} people follow the account") as step:
            await world.line.follow(world.shop, self._mari)
            await world.line.crowd(world.shop, self._friends - 1)
            await world.line.drain()
            name = world.property("user_name")

            def named() -> int:
                return sum(bool(contact.properties.get(name)) for contact in world.hubspot.people.contacts())

            await until(
                lambda: named() == self._friends,
                expected=f"{self._friends} contacts with names",
                seen=lambda: f"{len(world.hubspot.people.contacts())} contacts, {named()} with a name",
                where=world.up.log,
            )
            step.note(f"{self._friends} contacts with names and pictures, {self._calls()} calls to HubSpot")

    async def _write_and_block(self) -> None:
        world = self._world
        with self._steps.step(f"Mari writes “{HELLO}”") as step:
            written = await world.line.message(world.shop, self._mari, HELLO)
            self._written = str(written.event["message"]["id"]) if written else ""
            await world.until_contact(self.mari, unanswered="true", last_response=HELLO, follow="true")
            step.note("Unanswered is Yes, Last Response is what she wrote")
        with self._steps.step("Mari blocks the account") as step:
            await world.line.block(world.shop, self._mari)
            await world.until_contact(self.mari, follow="false")
            step.note("Follow is No")

    async def _stay_deleted(self) -> None:
        world = self._world
        with self._steps.step("A salesperson deletes her contact; Mari unsends her words, and unfollows again") as step:
            await world.idle()
            contact = await world.until_contact(self.mari, follow="false")
            world.hubspot.people.delete_contact(contact.id)
            await world.line.unsend(world.shop, self._mari, self._written)
            step.doing("HubSpot is asked for her contact, and says that it is deleted")
            await world.idle()
            again = await world.line.block(world.shop, self._mari)
            step.doing("waiting until there is nothing left to do")
            await world.idle()
            if world.contact(self.mari) is not None:
                wanted = "no contact of hers: only a message or a follow may bring it back"
                raise NotSeenError(wanted, "a contact", world.up.log)
            step.note("her contact stays deleted. `friendstream why` says:")
        for sentence in await sentences_about(world, self.mari, again.event_id if again else ""):
            self._steps.say(sentence)

    async def _come_back(self) -> None:
        world = self._world
        former = max((c.id for c in world.hubspot.people.contacts(archived=True)), default="")
        with self._steps.step(f"Mari writes “{AGAIN}”") as step:
            await world.line.message(world.shop, self._mari, AGAIN)
            contact = await world.until_contact(
                self.mari, last_response=AGAIN, unanswered="true", follow="false", user_name="Mari Sato"
            )
            step.note(f"her contact is created again, whole: record {contact.id} after {former}")
        with self._steps.step("Mari blocks and follows again") as step:
            await world.line.block(world.shop, self._mari)
            await world.line.follow(world.shop, self._mari)
            again = await world.until_contact(self.mari, follow="true")
            if again.id != contact.id:
                raise NotSeenError(f"the same record {contact.id}", f"record {again.id}", world.up.log)
            step.note("Follow is Yes, on the same record")

    async def _weather_the_storm(self) -> None:
        world = self._world
        everybody = list(world.line.platform.world.people.values())
        events = lives(world.line, world.shop, everybody, each=ACTS_EACH, seed=self._seed)
        posts = disorder(events, seed=self._seed, old=world.line.acknowledged(world.shop)[::4])
        half = len(posts) // 2
        hubspot, old = world.hubspot.faults, world.pid_of("fold")
        with self._steps.step("A storm: duplicates, redeliveries, disorder, 429s, and kill -9 of the worker") as step:
            async with WebhookSender(Receiver.of(world.shop), redeliveries=8) as sender:
                hubspot.order(Fault(call="batch/*", status=429, policy="SECONDLY", times=3))
                self._storm = await sender.send(posts[:half], rate=POSTS_PER_SECOND)
                rest = asyncio.create_task(sender.send(posts[half:], rate=POSTS_PER_SECOND))
                old = world.kill_role("fold")
                self._kills += 1
                hubspot.order(Fault(call="batch/*", status=429, policy="TEN_SECONDLY_ROLLING", times=1))
                self._storm = self._storm.joined(await rest)
            step.doing("`up` brings the worker back")
            await world.until_back("fold", old)
            if refused := self._storm.unacknowledged:
                raise NotSeenError("every event to be acknowledged", f"{len(refused)} were not", world.up.log)
            sent, distinct = self._storm.events_sent, len(self._storm.acknowledged)
            step.note(f"{distinct} events sent {sent} times in {self._storm.seconds:.1f} s, all acknowledged")
        with self._steps.step("Everything settles: `friendstream status --wait idle`") as step:
            status = await world.idle(90)
            step.note(f"{status['friends']} friends, nothing outstanding, {status['dead_letters']} dead letters")

    async def _settle_up(self) -> Scoreboard:
        world, calls = self._world, self._world.hubspot.log.by_name()
        with self._steps.step("HubSpot against the fold: `friendstream verify`") as step:
            verified = (await world.verb("verify", "--json", accept=(0, 1))).json
            verify = Verified(**{name: int(verified[name]) for name in Verified.__struct_fields__})
            step.note(
                f"equal {verify.equal} · different {verify.different} · missing {verify.missing} · extra {verify.extra}"
            )
        events = {event["webhookEventId"]: event for event in [*world.line.acknowledged(), *self._storm.acknowledged]}
        with self._steps.step("Every acknowledged event against the log, every contact against LINE's events") as step:
            lost = events.keys() - await folded_causes(world.up.ready["kafka"])
            different = world.differences(events.values())
            step.note(f"lost {len(lost)}, contacts that differ {len(different)}")
        return Scoreboard(
            friends=self._friends,
            acknowledged=len(events),
            copies=self._storm.events_sent + sum(len(attempt.event_ids) for attempt in world.line.book.attempts),
            lost=len(lost),
            contacts=len(world.hubspot.people.contacts()),
            different=different,
            verify=verify,
            hubspot_calls=contact_calls(calls),
            naive_calls=NAIVE_CALLS_PER_EVENT * len(events),
            refused_calls=refused_calls(calls),
            worker_kills=self._kills,
            seconds=round(monotonic() - self._began, 1),
            steps=self._steps.taken,
        )

    def _calls(self) -> int:
        return contact_calls(self._world.hubspot.log.by_name())
