"""One random life: what LINE, people, machines and HubSpot do to a world, how it comes to rest, and what must be true.

Law: the same seed lives the same life. Nothing is checked while things happen but what must never happen; everything
is checked at rest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import orjson

from devkit.hubspot.answers import Refusal
from domain.contact_properties import GROUP_LABEL, GROUP_NAME, connection_properties
from schemas import topics
from tests.simulation.expected import PERMITS, differs, expected
from tests.simulation.judge import Book, Broken
from tests.simulation.world import Role, World, inhabited

NUMBERS = (1, 2)
SWEPT_SECONDS = 300.0
REST_SECONDS = 4 * 3600.0
MOST_CHANGES_AT_REST = 12
LONGEST_TEXT = 400
_LETTERS = "abcdef"


def make_world(seed: int) -> World:
    """A world of random size and habits."""
    draw = Random(f"world {seed}")
    friends = ["U" + letter * 32 for letter in _LETTERS[: draw.choice([1, 2, 2, 3, 5])]]
    options = {
        "merge_keeps_primary_id": draw.random() < 0.5,
        "edited_email_stays_additional": draw.random() < 0.5,
        "restore_keeps_id": draw.random() < 0.9,
        "privacy_purge_after": draw.choice([0, 0, 60_000]),
        "privacy_delete_blocks_email": draw.random() < 0.2,
        "burst_limit": draw.choice([190, 190, 30, 8]),
        "longest_text": LONGEST_TEXT,
    }
    world = World(
        seed,
        friends=friends,
        partitions=draw.choice([1, 2, 3]),
        sinks=draw.choice([1, 1, 2]),
        folds=draw.choice([1, 1, 2]),
        comes_back=draw.random() < 0.12,
        sweep_seconds=draw.choice([20, 20, 100_000]),  # now and then none comes in time
        options=options,
    )
    schema = world.hubspot.portal.schema
    schema.create_group({"name": GROUP_NAME, "label": GROUP_LABEL})
    for one in [one for number in NUMBERS for one in connection_properties(number)]:
        choices = [{"label": label, "value": value, "hidden": False} for value, label in one.options]
        kind = {"type": one.type, "fieldType": one.field_type, "groupName": GROUP_NAME, "options": choices}
        schema.create({"name": one.name, "label": one.label, **kind}, world.clock.now_ms())
    return world


class Life:
    """What happens in one world."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.world = make_world(seed)
        self.random = self.world.random
        self.hubspot = self.world.hubspot
        self.people = self.world.hubspot.people
        self.shared = 0
        self.compared = 0
        self._events = 0
        self._sent: dict[str, list[tuple[int, dict[str, Any]]]] = {friend: [] for friend in self.world.friends}
        self._answered: set[str] = set()
        self._seldom = Random(f"seldom {seed}")

    def met(self) -> Counter[str]:
        """What happened in this life, by name."""
        world, found = self.world, Counter(self.world.happened)
        found.update({f"HubSpot: {name}": times for name, times in self.hubspot.happened.items()})
        found.update(world.judge.met)
        found.update({"rebalance": sum(max(0, group.generation - 1) for group in world.kafka.groups.values())})
        return found

    def live(self) -> None:
        """Live it to the end; Broken when a law does not hold."""
        with inhabited(self.world):
            self.world.loop.run_until_complete(self._everything())

    async def _everything(self) -> None:
        world = self.world
        for role in world.roles:
            role.start()
        line = world.loop.spawn(None, self._line_answers())
        await self._things_happen(self.random.choice([15, 30, 60, 100]))
        await self._come_to_rest("after everything happened")
        written_to = [friend for friend in world.friends if self.random.random() < 0.75]
        for friend in written_to:
            self._message(friend, "the last words")
        await self._come_to_rest("after the last messages")
        for friend in world.friends:
            self._check(friend, final=friend in written_to)
        if world.sweeps:
            await self._sweeps_come(written_to)
        if world.surprises:
            raise Broken(f"a process ended unexpectedly: {world.surprises[0]}")
        line.cancel()

    async def _sweeps_come(self, written_to: list[str]) -> None:
        """What people did since the last write is found; what was erased is forgotten, a day after it was missed."""
        await asyncio.sleep(SWEPT_SECONDS)
        await self._come_to_rest("after the sweep")
        if self.random.random() < 0.5:
            for _ in range(2):
                self.world.tell("a day passes")
                self.world.count("a quiet day")
                self.world.loop.passed += 25 * 3600
                await asyncio.sleep(SWEPT_SECONDS)
            await self._come_to_rest("after two days")
        for friend in self.world.friends:
            self._check(friend, final=friend in written_to)
            self._check_swept(friend)

    async def _things_happen(self, acts: int) -> None:
        names, weights = list(_ACTS), [weight for weight, _act in _ACTS.values()]
        seldom = {
            self._seldom.randrange(acts): self._seldom.choices([None, Life._stumble, Life._row_comes_late], _SELDOM)[0]
        }
        for at in range(acts):
            if (act := seldom.get(at)) is not None:
                await act(self)
            await asyncio.sleep(self.random.choice([0.0, 0.05, 0.3, 1.0, 2.0, 8.0]))
            name = self.random.choices(names, weights)[0]
            done = _ACTS[name][1](self)
            if asyncio.iscoroutine(done):
                await done
            self._watch()

    def _watch(self) -> None:
        self.world.judge.look()
        if self.world.judge.broken:
            raise Broken(self.world.judge.broken[0])

    # -- LINE

    def _happen(self) -> None:
        friend = self.random.choice(self.world.friends)
        kinds = ["message"] * 5 + ["follow", "unfollow", "postback", "imported", "unsend", "beacon"]
        self._event(friend, self.random.choice(kinds))

    def _event(self, friend: str, kind: str) -> None:
        self._events += 1
        world, number = self.world, self.random.choice([1, 1, 2])
        at = world.clock.now_ms() - (self.random.randrange(60_000) if self.random.random() < 0.15 else 0)
        event: dict[str, Any] = {"type": kind, "timestamp": at, "source": {"type": "user", "userId": friend}}
        if kind != "imported":
            event["webhookEventId"] = f"01J{self.random.randrange(999):03d}{self._events:06d}"
        if kind == "message":
            text = self.random.choice("xyz") * self.random.choice([1, 1, 1, 1, 1, 1, 1, LONGEST_TEXT + 1])
            event["message"] = {"id": f"m{self._events}", "type": "text", "text": text}
        if kind == "unsend":
            event["unsend"] = {"messageId": f"m{self.random.randint(max(1, self._events - 4), self._events + 2)}"}
        self._receive(friend, number, event)

    def _message(self, friend: str, text: str) -> None:
        self._events += 1
        event = {
            "type": "message",
            "timestamp": self.world.clock.now_ms(),
            "source": {"type": "user", "userId": friend},
            "webhookEventId": f"01K{self._events:06d}",
            "message": {"id": f"m{self._events}", "type": "text", "text": text},
        }
        self._receive(friend, 1, event, delay=0.0)

    def _receive(self, friend: str, number: int, event: dict[str, Any], delay: float | None = None) -> None:
        """LINE delivers, soon or late, once or twice."""
        world = self.world
        world.count(f"LINE: {event['type']}")
        self._sent[friend].append((number, event))
        wait = self.random.choice([0.1, 0.1, 1.0, 30.0]) if delay is None else delay
        if wait > 10:
            world.count("LINE: late")
        world.loop.outside(wait, self._append_event, friend, number, event)
        if delay is None and self.random.random() < 0.15:
            world.count("LINE: twice")
            world.loop.outside(wait + self.random.choice([0.1, 20.0]), self._append_event, friend, number, event)

    def _append_event(self, friend: str, number: int, event: dict[str, Any]) -> None:
        world = self.world
        if world.kafka.away:
            world.loop.outside(1.0, self._append_event, friend, number, event)
            return
        origin = {"imported": "import", "erase": "operator", "resync": "operator"}.get(event["type"], "webhook")
        record = {"connection": number, "received_at": world.clock.now_ms(), "origin": origin, "event": event}
        given = [(friend.encode(), orjson.dumps(record), [])]
        offset = world.kafka.append(topics.EVENTS.name, world.partition(friend), given, writer="ingress")
        world.tell(f"{friend[:4]}: {event['type']} {event.get('webhookEventId', '')[-6:]} of connection {number}"
                   f" at {event['timestamp']}, offset {offset}")  # fmt: skip

    def _redeliver(self) -> None:
        friend = self.random.choice(self.world.friends)
        if self._sent[friend]:
            number, event = self.random.choice(self._sent[friend])
            self.world.count("LINE: redelivered")
            self._append_event(friend, number, event)

    async def _line_answers(self) -> None:
        """The LINE sink: profiles, now and then not found, now and then told twice."""
        while True:
            for partition in range(self.world.kafka.partitions):
                for record in self.world.kafka.log(topics.REQUESTS.name, partition):
                    request = orjson.loads(record.value or b"{}")
                    if request["id"] not in self._answered:
                        self._answered.add(request["id"])
                        self._answer_profile(request)
            await asyncio.sleep(1.0)

    def _answer_profile(self, request: dict[str, Any]) -> None:
        profile: dict[str, Any] = {"found": False}
        if self.random.random() < 0.8:
            profile = {"found": True, "name": self.random.choice(["Mei", "太郎"])}
            if self.random.random() < 0.5:
                profile["picture"] = "https://profile.line-scdn.net/x"
        kept = {name: request[name] for name in ("friend", "connection", "kind", "requested_at")}
        self._append_result({"request": request["id"], **kept, "at": self._line_date(), "profile": profile})
        self.world.count("LINE: profile")

    def _reply(self) -> None:
        """Staff answer through friendstream."""
        friend = self.random.choice(self.world.friends)
        number, _event = self.random.choice(self._sent[friend] or [(1, None)])
        message = {"result": self.random.choice(["sent", "already_sent", "refused"]), "clears_unanswered": True}
        known = [at for at, event in self._sent[friend] if at == number]
        if known:
            self._append_result({"request": f"desk-{self._events}", "kind": "message", "friend": friend,
                                 "connection": number, "at": self._line_date(), "message": message})  # fmt: skip
            self.world.count("LINE: reply")

    def _append_result(self, result: dict[str, Any]) -> None:
        friend = result["friend"]
        given = [(friend.encode(), orjson.dumps(result), [])] * self.random.choice([1, 1, 1, 2])
        self.world.kafka.append(topics.RESULTS.name, self.world.partition(friend), given, writer="LINE sink")

    def _line_date(self) -> int:
        return self.world.clock.now_ms() // 1000 * 1000 + 999

    def _order(self, kind: str) -> None:
        friend = self.random.choice(self.world.friends)
        at = self.world.clock.now_ms()
        event = {"type": kind, "timestamp": at, "source": {"type": "user", "userId": friend}}
        self.world.count(f"operator: {kind}")
        self._append_event(friend, 1, event)

    # -- people

    def _person(self, act: str) -> None:
        before = self.hubspot.portal.happenings[-1] if self.hubspot.portal.happenings else None
        try:
            told = _PEOPLE[act](self)
        except Refusal:
            return
        if told:
            self.world.count(f"people: {act}")
            self.world.tell(f"a person {told}")
        assert before is None or self.hubspot.portal.happenings

    def _somebody(self) -> Any:
        active = self.people.contacts()
        return self.random.choice(active) if active else None

    def _delete(self) -> str | None:
        contact = self._somebody()
        return contact and f"deletes contact {self.people.delete_contact(contact.id).id}"

    def _restore(self) -> str | None:
        deleted = self.people.contacts(archived=True)
        if not deleted:
            return None
        chosen = self.random.choice(deleted).id
        restored = self.people.restore_contact(chosen)
        for book in self.world.judge.books.values():
            if chosen in book.contacts:
                book.restored = True
                book.contacts.append(restored.id)
        return f"restores contact {chosen} as {restored.id}"

    def _merge(self) -> str | None:
        active = self.people.contacts()
        if len(active) < 2:
            return None
        primary, other = self.random.sample(active, 2)
        return f"merges {primary.id} and {other.id} into {self.people.merge_contacts(primary.id, other.id).id}"

    def _erase(self) -> str | None:
        contact = self._somebody()
        if contact is None:
            return None
        addresses = {email.lower() for email in contact.emails()}
        self.people.erase_contact(contact.id)
        if self.hubspot.account.options.privacy_delete_blocks_email:
            for friend, book in self.world.judge.books.items():
                if f"{friend}@line.me".lower() in addresses:  # whoever made that contact, alone or by a merge
                    book.privacy_erased_at = self.world.loop.time()
        return f"deletes contact {contact.id} for privacy"

    def _edit_email(self) -> str | None:
        contact = self._somebody()
        if contact is None:
            return None
        for book in self.world.judge.books.values():
            book.address_moved = True
        email = f"p{self.random.randrange(10_000)}@example.com"
        return f"gives contact {self.people.edit_contact(contact.id, {'email': email}).id} another address"

    def _edit_ours(self) -> str | None:
        contact = self._somebody()
        if contact is None:
            return None
        for book in self.world.judge.books.values():
            book.edited = True
        return f"writes into our property of {self.people.edit_contact(contact.id, {'line_last_response_1': '?'}).id}"

    def _edit_theirs(self) -> str | None:
        contact = self._somebody()
        return contact and f"names contact {self.people.edit_contact(contact.id, {'firstname': 'Mei'}).id}"

    def _add(self) -> str | None:
        if len(self.people.contacts()) > len(self.world.friends) + 2:
            return None
        friend = self.random.choice(self.world.friends)
        email = self.random.choice([f"{friend}@line.me", f"p{self.random.randrange(10_000)}@example.com"])
        return f"adds contact {self.people.create_contact({'email': email}).id}"

    # -- machines

    def _a_role(self) -> Role:
        return self.random.choice(self.world.roles)

    def _kill(self) -> None:
        self._a_role().kill()

    def _kill_in_a_moment(self) -> None:
        role = self._a_role()
        if role.process is not None and role.process.alive:
            role.process.steps_left = self.random.randint(1, 120)

    def _freeze(self) -> None:
        self._a_role().freeze(self.random.choice([1.0, 4.0, 8.0, 20.0]))

    def _freeze_the_caller(self) -> None:
        """A sink stands still right after it has asked for its lease."""
        self.random.choice(self.world.sinks).freeze(self.random.uniform(7.0, 12.0))

    def _lose_acks(self) -> None:
        self.world.kafka.trouble.lose_acks += 1

    async def _row_comes_late(self) -> None:
        """A row is under way while its writer dies, and arrives when another owns the partition."""
        trouble, friend = self.world.kafka.trouble, self.random.choice(self.world.friends)
        folds = [role.process for role in self.world.folds]
        if self.world.kafka.away or any(one is None or not one.alive or one.frozen for one in folds):
            return
        trouble.lose_acks, trouble.hold, trouble.held = 0, (topics.FRIENDS.name, 20.0), None
        for one in folds:
            one.steps_left = None
        self._message(friend, "what comes late")
        began = self.world.loop.time()
        for _ in range(50):
            if trouble.held is None:
                await asyncio.sleep(0.1)
        trouble.hold, left = None, 20.0 - (self.world.loop.time() - began)
        for role in self.world.folds:
            if trouble.held is not None and role.process is trouble.held:
                self.world.tell("a row is under way")
                role.kill(restart_after=1.0)
                await asyncio.sleep(left + 0.2)
                self._message(friend, "what comes next")  # the owner sees the gap when it writes itself
                await asyncio.sleep(5.0)

    def _broker_away(self) -> None:
        seconds = self.random.choice([1.0, 5.0, 15.0, 45.0])
        self.world.count("broker away")
        self.world.tell(f"Kafka is away for {seconds:.0f} s")
        self.world.kafka.trouble.away_until = self.world.loop.time() + seconds

    def _broker_slow(self) -> None:
        self.world.count("broker slow")
        self.world.kafka.trouble.slow = self.random.choice([0.0, 0.05, 0.5])

    def _wrong_clock(self) -> None:
        process = self._a_role().process
        if process is not None:
            self.world.count("wrong clock")
            process.skew_ms = self.random.choice([-3_600_000, -5_000, 0, 5_000, 3_600_000])
            self.world.tell(f"the clock of {process.name} is wrong by {process.skew_ms} ms")

    async def _days_pass(self) -> None:
        """Everything is switched off for long."""
        days = self.random.choice([0.5, 1.1, 8.0, 30.0, 95.0])
        self.world.count("days pass")
        for role in self.world.roles:
            role.kill(restart_after=2.0)
        await asyncio.sleep(1.0)
        self.world.tell(f"{days} days pass")
        self.world.loop.passed += days * 86_400
        await asyncio.sleep(5.0)

    # -- HubSpot

    def _hubspot_trouble(self) -> None:
        call = self.random.choice(["batch/*", "batch/*", "batch/create", "batch/update", "batch/read", "*"])
        fault = self.random.choice(_FAULTS)
        times = self.random.choice([1, 1, 2, 5])
        self.hubspot.order(call=call, times=times, **fault)

    def _poison(self) -> None:
        """HubSpot stumbles over one friend, for a while."""
        friend = self.random.choice(self.world.friends)
        self.hubspot.order(call="batch/*", times=30, status=500, containing=friend)
        self.world.count("HubSpot: poison")

    async def _stumble(self) -> None:
        """HubSpot stumbles over one friend until that change is given up, while the others write on."""
        if len(self.world.friends) < 2:
            return
        friend, *others = self.random.sample(self.world.friends, len(self.world.friends))
        parked = self.world.judge.met["outcome: parked"]
        self.hubspot.order(call="batch/*", times=60, status=500, containing=friend)
        self._message(friend, "what HubSpot cannot bear")
        for _ in range(80):
            await asyncio.sleep(1.0)
            self._message(self.random.choice(others), "another word")
            if self.world.judge.met["outcome: parked"] > parked:
                break

    def _spoil(self) -> None:
        self.hubspot.spoiler.orders[self.random.choice(["omit", "hollow", "unnamed", "untraced", "untraced"])] += 1

    def _slow(self) -> None:
        self.hubspot.door.faults.latencies.clear()
        fixed = self.random.choice([0, 500, 5_000])
        self.hubspot.slow_down(fixed, fixed * 2)
        self.world.count("HubSpot: slow")

    def _withdraw(self) -> None:
        access = self.hubspot.account.access
        if self.random.random() < 0.5:
            access.withdraw()
            self.world.loop.outside(self.random.choice([5.0, 60.0]), access.restore)
            self.world.count("HubSpot: token withdrawn")
        else:
            scope = self.random.choice(["crm.objects.contacts.write", "crm.schemas.contacts.write"])
            access.withdraw_scope(scope)
            self.world.loop.outside(self.random.choice([5.0, 60.0]), access.grant_scope, scope)
            self.world.count("HubSpot: scope withdrawn")

    def _delete_property(self) -> None:
        number = self.random.choice(NUMBERS)
        try:
            self.people.delete_property(f"line_{self.random.choice(['follow', 'unanswered', 'user_id'])}_{number}")
        except Refusal:
            return
        self.world.count("people: delete a property")
        self.world.tell(f"a person deletes a property of connection {number}")

    def _day_is_spent(self) -> None:
        options = self.hubspot.account.options
        options.daily_limit = max(1, self.hubspot.account.quota.calls_today + self.random.randint(0, 3))
        self.world.loop.outside(self.random.choice([30.0, 2000.0]), setattr, options, "daily_limit", 625_000)
        self.world.count("HubSpot: day is spent")

    def _block_address(self) -> None:
        friend = self.random.choice(self.world.friends)
        self.people.block_email(f"{friend}@line.me")
        self.world.judge.books[friend].privacy_erased_at = self.world.loop.time()
        self.world.count("HubSpot: address blocked")
        self.world.tell(f"HubSpot blocks the address of {friend[:4]}")

    # -- the end

    async def _come_to_rest(self, when: str) -> None:
        """Nothing new happens and nobody dies any more."""
        world = self.world
        world.tell(f"calm, {when}")
        self.hubspot.calm_down()
        self.hubspot.account.options.daily_limit = 625_000
        world.kafka.trouble.lose_acks, world.kafka.trouble.slow = 0, 0.0
        for role in world.roles:
            if role.process is not None:
                role.process.steps_left, role.process.skew_ms = None, 0
        changes, until = self._changes(), world.loop.time() + REST_SECONDS
        await asyncio.sleep(45.0)
        calm = 0
        while calm < 2:
            await asyncio.sleep(10.0)
            self._watch()
            calm = calm + 1 if self._at_rest() else 0
            if world.loop.time() > until:
                raise Broken(f"never comes to rest {when}: {self._restless()}")
        if self._changes() - changes > MOST_CHANGES_AT_REST * len(world.friends):
            raise Broken(f"emits and emits {when}: {self._changes() - changes} changes")

    def _changes(self) -> int:
        return sum(len(self.world.kafka.log(topics.CHANGES.name, at)) for at in range(self.world.kafka.partitions))

    def _at_rest(self) -> bool:
        return not self._restless()

    def _restless(self) -> list[str]:
        found = [f"unread in {where}: {lag}" for where, lag in self.world.unread().items()]
        for friend, row in self.world.newest_rows().items():
            state = orjson.loads(row)
            wanted = ("sent",) if state.get("blocked") else ("sent", "rewrite")  # what is blocked waits, and is at rest
            found += [f"{friend[:4]} has {name}" for name in wanted if state.get(name)]
        return found

    def _check(self, friend: str, *, final: bool) -> None:
        """Everything that must be true of one friend at rest."""
        book = self.world.judge.books[friend]
        raw = self.world.newest_rows().get(friend)
        if raw is None:
            if any(event["type"] != "resync" for _number, event in book.known.events):
                raise Broken(f"{friend[:4]} has events and no row")
            return
        row = orjson.loads(raw)
        if "erased_at" in row and not self.world.judge.comes_back:
            self._check_erased(friend, book, row)
            return
        if book.known.erased_at is not None and not self.world.judge.comes_back:
            raise Broken(f"{friend[:4]} was erased by an operator and has a row with content")
        if not self.world.judge.comes_back:
            self._check_contact(friend, book, row, final=final)

    def _check_swept(self, friend: str) -> None:
        """After a sweep the row says of the contact what is true."""
        book, portal = self.world.judge.books[friend], self.hubspot.portal
        row = orjson.loads(self.world.newest_rows().get(friend) or b"{}")
        contact = row.get("contact") or {}
        there = portal.resolve(contact.get("id") or "")
        if contact.get("status") == "live" and there is None:
            raise Broken(f"{friend[:4]} is linked to {contact['id']}, which is gone, after a sweep")
        if contact.get("status") == "gone" and there is not None and not self._is_shared(friend, row):
            raise Broken(f"contact {there.id} of {friend[:4]} lives, and the row says gone after a sweep")
        if contact.get("status") != "live" or there is None or row.get("blocked") or self._is_shared(friend, row):
            return
        wanted = expected(friend, book.known)
        wrong = [name for name, value in wanted.items() if differs(name, value, there.properties.get(name))]
        if wrong and not self.world.judge.comes_back:
            raise Broken(f"contact {there.id} of {friend[:4]} is not put right by the sweep: {wrong}")

    def _check_erased(self, friend: str, book: Book, row: dict[str, Any]) -> None:
        if set(row) != {"friend", "erased_at", "revision"}:
            raise Broken(f"the erased row of {friend[:4]} keeps {sorted(row)}")
        if self._restored_elsewhere(book):
            self.world.judge.excused["restored under another id"] += 1
            return
        if book.known.erased_at is None and book.privacy_erased_at < 0:
            raise Broken(f"{friend[:4]} was erased, and nobody asked for it")

    def _restored_elsewhere(self, book: Book) -> bool:
        """Whether the contact, or the one it was merged into, came back under an id that nothing names."""
        if self.hubspot.account.options.restore_keeps_id:
            return False
        merged = any(one in self.hubspot.portal.contacts.forwards for one in book.contacts)
        return book.restored or (merged and any(other.restored for other in self.world.judge.books.values()))

    def _check_contact(self, friend: str, book: Book, row: dict[str, Any], *, final: bool) -> None:
        portal = self.hubspot.portal
        linked = (row.get("contact") or {}).get("id")
        there = portal.resolve(linked) if linked else None
        living = {found.id for one in book.contacts if (found := portal.resolve(one)) is not None}
        if len(living) > 1 and not (book.twins or book.restored):
            raise Broken(f"{friend[:4]} has {len(living)} living contacts: {sorted(living)}")
        if row.get("blocked"):
            self._check_blocked(friend, book, row["blocked"]["code"], final=final)
            return
        if not final:
            if not book.contacts and book.known.marks(PERMITS):
                raise Broken(f"{friend[:4]} has events that permit a contact, and none was ever made")
            if there is None or book.edited or book.restored:
                return
        if there is None and all(one.get("shadowed") for one in row["connections"].values()):
            self.world.judge.excused["another friend's contact, found deleted by the sweep"] += 1
            return
        if there is None:
            raise Broken(f"{friend[:4]} wrote last, and has no living contact ({row.get('contact')})")
        if self._is_shared(friend, row):
            self.shared += 1
            return
        wanted = expected(friend, book.known)
        wrong = [name for name, value in wanted.items() if differs(name, value, there.properties.get(name))]
        if wrong:
            shown = {name: (wanted[name], there.properties.get(name)) for name in wrong}
            raise Broken(f"contact {there.id} of {friend[:4]} is wrong: {shown}")
        self.compared += 1

    def _check_blocked(self, friend: str, book: Book, code: str, *, final: bool) -> None:
        if code == "nowhere" and book.privacy_erased_at >= 0:
            return
        if code == "nowhere" and self._restored_elsewhere(book):
            self.world.judge.excused["restored under another id"] += 1  # unknown at HubSpot; found by its address only
            return
        if any(len(value) > LONGEST_TEXT for value in expected(friend, book.known).values()):
            return
        if not final and (book.rejected or code.startswith("parked:") or code == "unstable"):
            return
        raise Broken(f"{friend[:4]} is blocked with {code}")

    def _is_shared(self, friend: str, row: dict[str, Any]) -> bool:
        """Two friends in one contact: whose slots these are, the sweep decides."""
        mine = self.hubspot.portal.resolve(row["contact"]["id"])
        shadowed = any(one.get("shadowed") for one in row.get("connections", {}).values())
        others = [book for name, book in self.world.judge.books.items() if name != friend]
        resolved = [self.hubspot.portal.resolve(one) for book in others for one in book.contacts]
        return shadowed or (mine is not None and any(one is mine for one in resolved))


_SELDOM = (0.7, 0.2, 0.1)  # of all lives: nothing, HubSpot stumbles over one friend, a row comes late
_FAULTS: list[dict[str, Any]] = [
    {"status": 429},
    {"status": 429, "policy": "SECONDLY"},
    {"status": 500},
    {"status": 502},
    {"status": 503},
    {"status": 423},
    {"status": 477},
    {"effect": "apply-then-answer", "status": 500},
    {"effect": "apply-then-answer", "status": 502},
    {"effect": "apply-then-answer", "status": 503},
    {"effect": "timeout"},
    {"effect": "apply-then-timeout"},
    {"effect": "apply-then-drop"},
    {"effect": "drop"},
    {"effect": "apply-late", "delay_ms": 3_000},
    {"effect": "apply-late", "delay_ms": 40_000},
]
_PEOPLE: dict[str, Callable[[Life], str | None]] = {
    "delete": Life._delete,
    "restore": Life._restore,
    "merge": Life._merge,
    "erase for privacy": Life._erase,
    "edit an address": Life._edit_email,
    "edit our property": Life._edit_ours,
    "edit another property": Life._edit_theirs,
    "add": Life._add,
}
_ACTS: dict[str, tuple[float, Callable[[Life], Any]]] = {
    "event": (30, Life._happen),
    "redeliver": (4, Life._redeliver),
    "reply": (2, Life._reply),
    "resync": (1, lambda life: life._order("resync")),
    "erase": (0.4, lambda life: life._order("erase")),
    **{
        f"people {act}": (weight, lambda life, act=act: life._person(act))
        for act, weight in {
            "delete": 5, "restore": 2, "merge": 1.5, "erase for privacy": 0.7, "edit an address": 1,
            "edit our property": 1, "edit another property": 0.7, "add": 1,
        }.items()
    },
    "kill": (2, Life._kill),
    "kill in a moment": (5, Life._kill_in_a_moment),
    "freeze": (2, Life._freeze),
    "freeze the caller": (1, Life._freeze_the_caller),
    "lose acks": (1.5, Life._lose_acks),
    "broker away": (0.7, Life._broker_away),
    "broker slow": (0.7, Life._broker_slow),
    "wrong clock": (0.5, Life._wrong_clock),
    "days pass": (0.15, Life._days_pass),
    "HubSpot trouble": (10, Life._hubspot_trouble),
    "poison": (0.5, Life._poison),
    "spoil": (4, Life._spoil),
    "slow": (1, Life._slow),
    "withdraw": (0.7, Life._withdraw),
    "delete property": (0.7, Life._delete_property),
    "day is spent": (0.3, Life._day_is_spent),
    "block address": (0.15, Life._block_address),
}  # fmt: skip
