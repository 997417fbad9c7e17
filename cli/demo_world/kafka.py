"""Where the demo meets Kafka itself: the jars that must be there, and the log as a data team reads it."""

import asyncio
from collections.abc import Callable, Mapping

import orjson

from runtime.jars import fetch_jars, locked_jars, repository
from runtime.log_reader import read_log
from runtime.settings import Settings
from schemas.topics import DECISIONS


async def fetch_kafka(environ: Mapping[str, str], doing: Callable[[str], None]) -> None:
    """Fetch the jars of Apache Kafka if this machine has none yet, and tell how far it is."""
    settings = Settings.load(environ)
    kept = repository(settings.jar_cache)
    if all(jar.within(kept).exists() for jar in locked_jars()):
        return

    def tell(done: int, total: int) -> None:
        doing(f"fetching Apache Kafka, once: {done / 1e6:.0f} of {total / 1e6:.0f} MB")

    await asyncio.to_thread(fetch_jars, cache=settings.jar_cache, maven_url=settings.maven_url, progress=tell)


async def folded_causes(brokers: str) -> set[str]:
    """The ids of all records that friend.decisions.v1 has a decision on."""
    return {orjson.loads(r.value)["cause"]["id"] async for r in read_log(brokers, DECISIONS.name) if r.value}
