"""What must be there before any role starts: Kafka, its topics, the connections of the file.

Law: it is laid once; a difference between the topics and the contract is refused, never repaired in passing.
"""

import asyncio

from cli.wiring import connector
from registry.applications import Application, read_connections_file
from runtime.brokers import resolve, wait_until_reachable
from runtime.logs import logger
from runtime.refusal import MISCONFIGURED, Refusal
from runtime.sealing import SealingKey
from runtime.settings import Settings
from runtime.topics import compare_topics, create_topics


class Ground:
    """Lays the ground when the first role asks; the others wait for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._applications = applications_of(settings)
        self._laying = asyncio.Lock()
        self._laid = False
        SealingKey.load(settings)  # a missing or wrong key is better found before anything runs

    async def lay(self) -> None:
        """Kafka reachable, topics created and compared, CONNECTIONS_FILE applied; Refusal 4, 69 or 78."""
        async with self._laying:
            if self._laid:
                return
            brokers = resolve(self._settings)
            await wait_until_reachable(brokers)
            await lay_topics(self._settings, brokers)
            await apply_connections(self._settings, brokers, self._applications)
            self._laid = True


async def lay_topics(settings: Settings, brokers: str) -> None:
    """Create the missing topics; Refusal 78 when one that exists is not as the contract says."""
    created = await create_topics(brokers, settings)
    if created:
        logger(__name__).info("created %d topics", len(created))
    differences = await compare_topics(brokers, settings)
    if differences:
        raise Refusal(
            MISCONFIGURED,
            "topics_differ",
            "\n".join(["the topics in Kafka are not those of the contract:", *(f"  {one}" for one in differences)]),
            where=brokers,
            next_step="put FRIENDSTREAM_RETENTION_DAYS back, or, with Kafka running (`friendstream run broker`):"
            " friendstream topics create --align",
        )


def applications_of(settings: Settings) -> list[Application]:
    """What CONNECTIONS_FILE asks for; none without it. Refusal 78 with all problems of the file."""
    return [] if settings.connections_file is None else read_connections_file(settings.connections_file)


async def apply_connections(settings: Settings, brokers: str, applications: list[Application]) -> None:
    """Bring the registry to what the file says, and tell how each connection stands."""
    if not applications:
        return
    async with connector(settings, brokers) as connect:
        for record in await connect.apply(applications):
            reason = f" ({record.reason})" if record.reason else ""
            logger(__name__).info("connection %d is %s%s", record.number, record.status, reason)
