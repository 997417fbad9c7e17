"""kafka.lock names what is needed, and nothing loosely."""

from __future__ import annotations

import re
from pathlib import Path

from runtime.jars import COORDINATES, locked_jars


def test_the_lock_names_every_jar_once_by_version_digest_and_size() -> None:
    jars = locked_jars()
    assert len({jar.file for jar in jars}) == len(jars) == 46
    for jar in jars:
        assert re.fullmatch(r"[0-9a-f]{64}", jar.sha256)
        assert jar.size > 1000


def test_the_lock_holds_the_coordinates_that_were_asked_for() -> None:
    locked = {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in locked_jars()}
    assert set(COORDINATES.split("+")) <= locked


def test_a_jar_lies_where_maven_puts_it() -> None:
    (jar,) = [jar for jar in locked_jars() if jar.artifact == "kafka-clients"]
    assert jar.within(Path("/m2")) == Path("/m2/org/apache/kafka/kafka-clients/4.3.1/kafka-clients-4.3.1.jar")
