"""Where a friend's data lives, and that an erasure ends it: one test per row of docs/data.md that needs a world."""

from __future__ import annotations

import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
import pytest_asyncio

from cli.demo_world.world import World
from runtime.appender import Appender, partition_of
from runtime.log_reader import read_log
from runtime.settings import Settings
from runtime.topics import compare_topics
from schemas import topics
from schemas.friends import FriendState, read_friend_state
from schemas.topics import DAY_MS, Topic
from tests.e2e.conftest import PARTITIONS, Friend

if TYPE_CHECKING:
    from tests.e2e.conftest import NewWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME, TEXT, PICTURE = "Mari Satonaka", "my card number is 1234 5678", "https://profile.line-scdn.net/0hMariSatonaka"
SAID = (NAME, TEXT, PICTURE, "MariSatonaka")


@dataclass(frozen=True)
class Erased:
    """A world in which one friend was erased, and what could be seen of the friend before."""

    world: World
    id: str
    before: str

    @property
    def brokers(self) -> str:
        return str(self.world.up.ready["kafka"])

    async def bytes_of(self, topic: Topic) -> str:
        """Everything that can still be read from a topic."""
        found = [(record.key or b"") + (record.value or b"") async for record in read_log(self.brokers, topic.name)]
        return b"\n".join(found).decode(errors="replace")

    async def newest(self, topic: Topic) -> bytes | None:
        """The newest value under the friend's key."""
        values = [r.value async for r in read_log(self.brokers, topic.name) if r.key == self.id.encode()]
        assert values
        return values[-1]

    def get(self, path: str, role: str = "fold") -> str:
        """A page of a role, as text."""
        document = orjson.loads((self.world.data_dir / "run" / f"{role}.json").read_bytes())
        with urllib.request.urlopen(document["url"] + path, timeout=20) as answer:
            return str(answer.read().decode())


def nothing_said(shown: str) -> bool:
    """No text, name or picture of the friend's."""
    return not any(word in shown for word in SAID)


async def send_garbage(world: World, friend: str) -> None:
    """A record that nobody can read, with the friend's words in it: it becomes a dead letter."""
    appender = Appender(world.up.ready["kafka"], client_id="test")
    key = friend.encode()
    value = orjson.dumps({"connection": "no number", "event": {"message": {"text": TEXT}}})
    await appender.append(topics.EVENTS.name, partition_of(key, PARTITIONS), [(key, value, [])])
    await appender.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def erased(new_world: NewWorld) -> AsyncIterator[Erased]:
    world = await new_world()
    await world.start()
    await world.connect()
    person = world.line.add_user(NAME, picture_url=PICTURE)
    mari = Friend(world, person, world.line.user_id(world.shop, person))
    await mari.follows()
    await mari.writes(TEXT)
    await send_garbage(world, mari.id)
    await world.idle()
    before = (await world.verb("friends", "show", mari.id, "--reveal", "--json")).out
    await world.verb("friends", "erase", mari.id, "--hubspot", "--yes")
    await world.idle()
    yield Erased(world, mari.id, before)


async def test_it_was_all_there_before(erased: Erased) -> None:
    """Else the tests below would prove nothing."""
    assert all(word in erased.before for word in (NAME, TEXT, PICTURE))


@pytest.mark.parametrize("topic", [topics.EVENTS, topics.REQUESTS, topics.RESULTS, topics.DEAD_LETTERS])
async def test_topics_with_content_are_cleaned_by_time(erased: Erased, topic: Topic) -> None:
    """Kafka deletes no single record: what was said goes with the retention, which Kafka was really given."""
    settings = Settings.load(erased.world.environ)
    assert await compare_topics(erased.brokers, settings) == []
    assert topic.cleanup == "delete"
    assert 0 < topics.retention_ms(topic, settings.retention_days) <= settings.retention_days * DAY_MS
    assert topics.config(topic, settings.retention_days)["cleanup.policy"] == "delete"


async def test_requests_hold_an_id_and_no_content(erased: Erased) -> None:
    assert nothing_said(await erased.bytes_of(topics.REQUESTS))


async def test_the_last_change_is_empty(erased: Erased) -> None:
    """Compaction then takes those before: tests/integration/processors/test_erased_rows.py."""
    assert await erased.newest(topics.CHANGES) is None


async def test_the_row_is_the_erased_row(erased: Erased) -> None:
    row = read_friend_state(await erased.newest(topics.FRIENDS) or b"")
    assert row == FriendState(friend=erased.id, revision=row.revision, erased_at=row.erased_at)


@pytest.mark.parametrize("topic", [topics.OUTCOMES, topics.DECISIONS])
async def test_outcomes_and_decisions_never_hold_content(erased: Erased, topic: Topic) -> None:
    found = await erased.bytes_of(topic)
    assert erased.id in found
    assert nothing_said(found)


async def test_the_registry_knows_nobody(erased: Erased) -> None:
    found = await erased.bytes_of(topics.CONNECTIONS)
    assert erased.id not in found
    assert nothing_said(found)


async def test_a_dead_letter_is_listed_without_content(erased: Erased) -> None:
    listed = await erased.world.verb("deadletters", "list", "--json")
    [letter] = listed.json["letters"]
    shown = await erased.world.verb("deadletters", "show", letter["letter"])
    page = erased.get("/deadletters")
    for said in (listed.out, shown.out, page):
        assert nothing_said(said)
        assert erased.id not in said


async def test_the_worker_holds_the_erased_row_alone(erased: Erased) -> None:
    """Pages and JSON are made from the local rows, and change with them at once."""
    state = orjson.loads(erased.get(f"/api/v1/friends/{erased.id}"))["state"]
    assert set(state) == {"friend", "erased_at", "revision"}
    for path in (f"/friends/{erased.id}", f"/api/v1/friends/{erased.id}/why", "/", "/flow"):
        assert nothing_said(erased.get(path)), path


async def test_no_verb_shows_anything(erased: Erased) -> None:
    verb = erased.world.verb
    for said in (
        await verb("friends", "show", erased.id, "--reveal", "--json"),
        await verb("friends", "list", "--json"),
        await verb("friends", "export"),
        await verb("why", erased.id, "--json"),
        await verb("status", "--json", accept=(0, 1)),
    ):
        assert nothing_said(said.out + said.err)


async def test_tail_masks_values_and_ids_unless_told_to_reveal(erased: Erased) -> None:
    for topic in (topics.EVENTS, topics.FRIENDS, topics.CHANGES):
        tailed = await erased.world.verb("topics", "tail", topic.name, "--from-start", "--limit", "2")
        assert nothing_said(tailed.out)
        assert erased.id not in tailed.out


async def test_hubspot_has_no_contact_of_the_friend(erased: Erased) -> None:
    for contact in erased.world.hubspot.portal.contacts.records.values():
        assert erased.id not in contact.properties.values()
        assert nothing_said(str(contact.properties))


async def test_logs_hold_neither_words_nor_whole_ids(erased: Erased) -> None:
    said = erased.world.up.log.read_text()
    assert len(said) > 100
    assert erased.id not in said
    assert erased.id.lower() not in said
    assert nothing_said(said)


@pytest.mark.parametrize("role", ["ingress", "fold", "hubspot", "line"])
async def test_metrics_hold_numbers_only(erased: Erased, role: str) -> None:
    measured = erased.get("/metrics", role)
    assert "received_events_total" in measured
    assert erased.id not in measured
    assert nothing_said(measured)


async def test_run_documents_hold_no_person(erased: Erased) -> None:
    documents = [path for path in erased.world.data_dir.rglob("*.json") if "kafka" not in path.parts]
    assert len(documents) >= 5
    for path in documents:
        said = path.read_text(errors="replace")
        assert erased.id not in said, path
        assert nothing_said(said), path


async def test_nothing_lies_in_the_data_directory_but_in_kafkas_log(erased: Erased) -> None:
    """Spool and snapshot are sealed, and there is no other place that anybody forgot."""
    kafka = erased.world.data_dir / "kafka"
    assert kafka.is_dir()

    def holds(path: Path) -> bool:
        return any(word.encode() in path.read_bytes() for word in SAID)

    files = [path for path in erased.world.data_dir.rglob("*") if path.is_file()]
    assert [path for path in files if kafka not in path.parents and holds(path)] == []
    assert any(holds(path) for path in files if kafka in path.parents), "until compaction and retention"
