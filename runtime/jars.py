"""The jars of the embedded Kafka: fetched once from a Maven repository, known by kafka.lock.

Law: a jar is used only when its SHA-256 is the one in kafka.lock, checked before every start. Nothing is resolved at
run time: the lock names every jar, so what runs does not depend on the day it was fetched. A download becomes visible
in the cache only when it is whole and right.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jgo
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from runtime.refusal import MISCONFIGURED, UNAVAILABLE, Refusal

COORDINATES = "org.apache.kafka:kafka_2.13:4.3.1+org.slf4j:slf4j-simple:1.7.36"  # without slf4j-simple Kafka is mute
LOCK_FILE = Path(__file__).with_name("kafka.lock")

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes to do while jars are fetched."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked jar."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def within(self, repository: Path) -> Path:
        return repository.joinpath(*self.group.split("."), self.artifact, self.version, self.file)


def locked_jars(lock: Path = LOCK_FILE) -> list[Jar]:
    """The jars that kafka.lock names."""
    return [Jar(**entry) for entry in tomllib.loads(lock.read_text(encoding="utf-8"))["jar"]]


def repository(cache: Path | None = None) -> Path:
    """Where jars are kept: `cache`, else the Maven repository of this user."""
    return cache or Path(GlobalSettings.load().repo_cache)


def fetch_jars(
    *,
    cache: Path | None = None,
    maven_url: str | None = None,
    progress: Progress | None = None,
    jars: Sequence[Jar] | None = None,
) -> list[Path]:
    """The paths of all locked jars, each verified; fetches what is missing and needs no network otherwise.

    Raises Refusal: 69 when a jar cannot be fetched, 78 when a jar is not the locked one.
    """
    wanted = locked_jars() if jars is None else jars
    kept = repository(cache)
    missing = [jar for jar in wanted if not jar.within(kept).exists()]
    if missing:
        with progress_of(missing, progress) as advance:
            _fetch(missing, kept, maven_url, advance)
    for jar in wanted:
        _verify(jar, jar.within(kept))
    return [jar.within(kept) for jar in wanted]


@contextlib.contextmanager
def progress_of(missing: Sequence[Jar], progress: Progress | None) -> Iterator[Callable[[int], None]]:
    """How to report bytes: to `progress`, else as a bar on a terminal, else as one line on stderr."""
    total = sum(jar.size for jar in missing)
    title = f"Fetching Apache Kafka: {len(missing)} jars, {total / 1e6:.0f} MB, once"
    if progress is not None:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            progress(done, total)

        yield advance
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Bar(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(title, total=total)
            yield lambda count: bar.advance(task, count)
    else:
        print(title, file=sys.stderr, flush=True)
        yield lambda count: None


def _fetch(missing: Sequence[Jar], kept: Path, maven_url: str | None, advance: Callable[[int], None]) -> None:
    try:
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".friendstream-", dir=kept) as scratch:
            context = _context(Path(scratch), maven_url, advance)
            with ThreadPoolExecutor(max_workers=4) as pool:
                for jar, found in pool.map(lambda jar: (jar, _download(context, jar)), missing):
                    _verify(jar, found)
                    jar.within(kept).parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(found, jar.within(kept))
    except OSError as trouble:  # requests' errors are OSErrors, too
        raise _not_fetched(str(trouble), maven_url or "Maven Central") from trouble


def _download(context: Any, jar: Jar) -> Path:
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    try:
        return Path(artifact.resolve())
    except RuntimeError as trouble:  # jgo's word for an answer that is not 200, or a wrong checksum
        raise _not_fetched(f"{jar.file}: {trouble}", ", ".join(context.remote_repos.values())) from trouble


def _context(scratch: Path, maven_url: str | None, advance: Callable[[int], None]) -> Any:
    @contextlib.contextmanager
    def report(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    return MavenContext(
        resolver=PythonResolver(progress_callback=report),
        repo_cache=scratch,
        local_repos=[],
        remote_repos=None if maven_url is None else {"maven": maven_url.rstrip("/")},
        timeout=60,
    )


def _not_fetched(what: str, where: str) -> Refusal:
    return Refusal(
        UNAVAILABLE,
        "jars_not_fetched",
        f"The jars of Apache Kafka could not be fetched: {what}",
        where=where,
        next_step="check the network, or set FRIENDSTREAM_MAVEN_URL to a mirror of Maven Central; then start again",
    )


def _verify(jar: Jar, found: Path) -> None:
    digest = hashlib.sha256(found.read_bytes()).hexdigest()
    if digest != jar.sha256:
        raise Refusal(
            MISCONFIGURED,
            "jar_differs",
            f"{jar.file} is not the jar that kafka.lock names: its SHA-256 is {digest}, locked is {jar.sha256}",
            where=str(found),
            next_step="find out who changed the file; delete it and start again to fetch it anew",
        )


def render_lock(kept: Path) -> str:
    """A new kafka.lock for COORDINATES, resolved and fetched now; for developers."""
    context = _context(kept, None, lambda count: None)
    lines = [
        "# Written by `python -m runtime.jars > kafka.lock.new`; checked before every start of the embedded Kafka."
    ]
    for artifact in sorted(jgo.resolve(COORDINATES), key=lambda found: (found.groupId, found.artifactId)):
        path = context.project(artifact.groupId, artifact.artifactId).at_version(artifact.version).artifact().resolve()
        content = path.read_bytes()
        fields = {"group": artifact.groupId, "artifact": artifact.artifactId, "version": artifact.version}
        lines += ["", "[[jar]]", *(f'{name} = "{value}"' for name, value in fields.items())]
        lines += [f'sha256 = "{hashlib.sha256(content).hexdigest()}"', f"size = {len(content)}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_lock(repository()), end="")
