"""Lives of one and of two friends, drawn at random: the real fold and the real delivery around a simulated HubSpot.

Events come late, twice and in any order; fold and sink are killed between any two steps; calls are lost or done
unseen; people delete, restore, merge, erase, add contacts and edit addresses. At every creation a bookkeeper asks
whether DESIGN 4.3 permits it; in the end a last message must reach HubSpot.
"""

import pytest

from domain.compare import differing
from domain.projection import properties_of
from schemas.events import EventRecord
from tests.simulation.crm import ACTS, Broken, simulated
from tests.simulation.pipeline import Pipeline
from tests.unit.domain.world import event, imported, message, unsend

A, B = "U" + "a" * 32, "U" + "b" * 32
KINDS = ["message"] * 4 + ["follow", "unfollow", "postback", "imported", "unsend", "beacon"]
TROUBLES = [None] * 20 + ["lost", "late", "killed", "uncommitted"]
MOST_EMISSIONS = 6  # of a friend to whom nothing happens any more


class Life:
    """One random life; the same seed lives it again."""

    def __init__(self, seed: int, friends: list[str]) -> None:
        self.crm = simulated(seed, friends)
        self.pipeline = Pipeline(self.crm)
        self.random = self.crm.random
        self.friends = friends
        self.clock = 0

    def live(self, steps: int) -> None:
        """What may happen, in any order."""
        for _ in range(steps):
            self.crm.now += self.random.choice([1, 50, 1000, 5000])
            friend = self.random.choice(self.friends)
            act = self.random.choices(
                [self.happen, self.redeliver, self.fold, self.read_again, self.take, self.call, self.person, self.move],
                [16, 4, 28, 2, 12, 26, 8, 1],
            )[0]
            act(friend)

    def happen(self, friend: str, kind: str | None = None) -> None:
        self.clock += self.random.choice([1, 10])
        at = self.random.randint(0, self.clock) if kind is None and self.random.random() < 0.15 else self.clock
        self.pipeline.logs[friend].events.append(self._event(friend, kind or self.random.choice(KINDS), at))

    def _event(self, friend: str, kind: str, at: int) -> EventRecord:
        connection = self.random.choice([1, 1, 2])
        number = len(self.pipeline.logs[friend].events)
        if kind == "imported":
            return imported(at, friend=friend, connection=connection)
        given = {"friend": friend, "connection": connection, "event_id": f"01J{number:05d}{self.random.randrange(999)}"}
        if kind == "message":
            return message(at, self.random.choice("xyz"), message_id=f"m{number}", **given)
        if kind == "unsend":
            return unsend(at, f"m{self.random.randint(0, number)}", **given)
        return event(kind, at, **given)

    def redeliver(self, friend: str) -> None:
        events = self.pipeline.logs[friend].events
        if events:
            events.append(self.random.choice(events))

    def fold(self, friend: str) -> None:
        self.pipeline.fold(friend, killed=self.random.random() < 0.12)

    def read_again(self, friend: str) -> None:
        self.pipeline.read_again(friend)

    def take(self, friend: str) -> None:
        self.pipeline.take_change()

    def call(self, friend: str) -> None:
        self.pipeline.call(self.random.choice(TROUBLES))

    def person(self, friend: str) -> None:
        self.crm.person_acts(self.random.choice(ACTS))

    def move(self, friend: str) -> None:
        self.pipeline.restart_sink()

    def come_to_rest(self) -> None:
        """Nothing happens and nobody dies any more."""
        before = {friend: log.emitted for friend, log in self.pipeline.logs.items()}
        for _ in range(400):
            self.crm.now += 100
            for friend in self.friends:
                self.pipeline.fold(friend, everything=True)
            if self.pipeline.at_rest:
                break
            self.pipeline.take_change()
            self.pipeline.call()
        else:
            raise Broken("never comes to rest")
        for friend, log in self.pipeline.logs.items():
            if log.emitted - before[friend] > MOST_EMISSIONS:
                raise Broken("emits and emits")
            if log.state is not None and log.state.sent is not None:
                raise Broken("a change stays open")

    def check(self, friend: str) -> None:
        """The contact equals the projection, or it was erased and HubSpot may not have it back."""
        state, portal = self.pipeline.logs[friend].state, self.crm.portal
        assert state is not None
        assert state.contact is not None
        if state.blocked is not None:
            assert (state.blocked.code, self.crm.books[friend].erased) == ("nowhere", True)
            return
        assert state.contact.status == "live"
        contact = portal.resolve(state.contact.id or "")
        assert contact is not None
        assert differing(properties_of(friend, state.connections), contact.properties) == ()
        assert state.trigger_delivered is not None
        assert state.trigger is not None
        assert state.trigger.id == state.trigger_delivered.id

    def share_a_contact(self) -> bool:
        """Merged friends: who owns which slot is settled by the sweep."""
        states = [log.state for log in self.pipeline.logs.values()]
        linked = [state.contact.id for state in states if state is not None and state.contact and state.contact.id]
        resolved = {self.crm.portal.contacts.resolve(contact) for contact in linked}
        shadowed = any(one.shadowed for state in states if state for one in state.connections.values())
        return shadowed or len(resolved) < len(linked)


@pytest.mark.parametrize(("friends", "seeds"), [([A], range(600)), ([A, B], range(1000, 1300))], ids=["one", "two"])
def test_any_life_keeps_the_laws_and_ends_with_the_contact_as_the_fold_wants_it(friends: list[str], seeds: range):
    shared = 0
    for seed in seeds:
        life = Life(seed, friends)
        try:
            life.live(life.random.choice([20, 40, 80]))
            life.come_to_rest()
            for friend in friends:
                life.happen(friend, "message")
            life.come_to_rest()
            if life.share_a_contact():
                shared += 1
                continue
            for friend in friends:
                life.check(friend)
        except AssertionError as broken:
            raise Broken(f"seed {seed}: {broken}") from broken
    assert shared < len(seeds) / 2
