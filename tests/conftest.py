"""Real Kafka for tests. There is no mock broker.

Which fixture to ask for:

* `kafka` (session): the one broker of the whole pytest run, started by the first test that asks (about 5 s), stopped at
  the end. `.address` is `host:port`. Good for tests that bring topics of their own: see `new_topic`.
* `clean_kafka`: the same broker after every topic and every group was deleted (waits for killed members to time out).
  Names of topics and groups are fixed by the contract, so every test that uses the contract's topics asks for this one
  (or for `topics`).
* `topics`: `clean_kafka` with all topics of the contract created and the sinks' groups seeded; the `Settings` used.
* `own_kafka` (module): a broker for one test module alone, which may kill it: an `EmbeddedKafka`.
* `data_dir`: an empty directory for FRIENDSTREAM_DATA_DIR.
* `environ_for(**settings)`: the FRIENDSTREAM_ variables for a child process (add them to `os.environ`): session broker,
  `data_dir`, free ports, 4 partitions, sessions of 6 s, a secret key. Keyword arguments without the prefix in any case
  (`hubspot_token="x"`) replace or add; None removes.
* `settings_for(**settings)`: the same as `Settings`.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from runtime.embedded_kafka import EmbeddedKafka
from runtime.settings import Settings
from runtime.topics import create_topics

SECRET_KEY = "a key for tests only, never for anything else"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    broker = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    broker = EmbeddedKafka(tmp_path_factory.mktemp("own-kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def clean_kafka(kafka: EmbeddedKafka) -> EmbeddedKafka:
    admin = AdminClient({"bootstrap.servers": kafka.address})
    if names := _topic_names(admin):
        for deleted in admin.delete_topics(names, operation_timeout=10).values():
            deleted.result(timeout=20)
    while _topic_names(admin):  # the broker hears of it a moment after the controller
        time.sleep(0.02)
    patience = time.monotonic() + 20
    while (groups := _group_names(admin)) and time.monotonic() < patience:
        for gone in admin.delete_consumer_groups(groups).values():
            with contextlib.suppress(KafkaException):  # a killed member still counts until its session times out
                gone.result(timeout=20)
        time.sleep(0.05)
    return kafka


def _group_names(admin: AdminClient) -> list[str]:
    return [group.group_id for group in admin.list_consumer_groups().result(timeout=10).valid or []]


def _topic_names(admin: AdminClient) -> list[str]:
    return [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    return path


@pytest.fixture
def environ_for(kafka: EmbeddedKafka, data_dir: Path) -> Callable[..., dict[str, str]]:
    def build(**settings: object) -> dict[str, str]:
        values: dict[str, object] = {
            "kafka": kafka.address,
            "data_dir": data_dir,
            "ingress_bind": "127.0.0.1:0",
            "web_bind": "127.0.0.1:0",
            "partitions": 4,
            "session_seconds": 6,
            "secret_key": SECRET_KEY,
        }
        values |= {name.lower(): value for name, value in settings.items()}
        return {f"FRIENDSTREAM_{name.upper()}": str(value) for name, value in values.items() if value is not None}

    return build


@pytest.fixture
def settings_for(environ_for: Callable[..., dict[str, str]]) -> Callable[..., Settings]:
    return lambda **settings: Settings.load(environ_for(**settings))


_numbers = itertools.count(1)


@pytest.fixture
async def new_topic(kafka: EmbeddedKafka) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Creates a topic with a name of its own: `await new_topic(partitions=3, **{"cleanup.policy": "compact"})`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()

    async def create(partitions: int = 1, **config: str) -> str:
        name = f"test-{next(_numbers)}"
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
        return name

    yield create
    await admin.close()


@pytest.fixture
async def topics(clean_kafka: EmbeddedKafka, settings_for: Callable[..., Settings]) -> Settings:
    settings = settings_for()
    await create_topics(clean_kafka.address, settings)
    return settings
