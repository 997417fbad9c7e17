"""Fetching jars from a Maven repository over HTTP: whole and right, or not at all."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runtime.jars import Jar, fetch_jars
from runtime.refusal import MISCONFIGURED, UNAVAILABLE, Refusal

CONTENT = b"a jar" * 10_000
JAR = Jar(group="org.example", artifact="thing", version="1.2", sha256=hashlib.sha256(CONTENT).hexdigest(), size=50_000)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def maven(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A Maven repository with one jar: its address and the jar's file."""
    file = JAR.within(tmp_path / "remote")
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    file.with_name(f"{JAR.file}.sha1").write_text(hashlib.sha1(CONTENT).hexdigest())
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "remote")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", file
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_missing_jar_is_fetched_once_with_progress_and_kept(tmp_path: Path, maven: tuple[str, Path]) -> None:
    url, file = maven
    seen: list[tuple[int, int]] = []
    cache = tmp_path / "cache"
    paths = fetch_jars(cache=cache, maven_url=url, jars=[JAR], progress=lambda done, total: seen.append((done, total)))
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert seen[-1] == (50_000, 50_000)
    file.unlink()
    assert fetch_jars(cache=cache, maven_url="http://127.0.0.1:9", jars=[JAR]) == paths
    assert [path for path in cache.rglob("*") if path.is_file()] == paths


def test_the_first_fetch_says_one_line_where_there_is_no_terminal(
    tmp_path: Path, maven: tuple[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    fetch_jars(cache=tmp_path / "cache", maven_url=maven[0], jars=[JAR])
    assert capfd.readouterr().err == "Fetching Apache Kafka: 1 jars, 0 MB, once\n"


def test_a_repository_that_serves_another_jar_is_refused_and_nothing_is_kept(
    tmp_path: Path, maven: tuple[str, Path]
) -> None:
    url, file = maven
    file.write_bytes(b"evil")
    file.with_name(f"{JAR.file}.sha1").write_text(hashlib.sha1(b"evil").hexdigest())
    with pytest.raises(Refusal) as caught:
        fetch_jars(cache=tmp_path / "cache", maven_url=url, jars=[JAR])
    assert caught.value.exit_code == MISCONFIGURED
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_jar_that_the_repository_does_not_have_is_named(tmp_path: Path, maven: tuple[str, Path]) -> None:
    maven[1].unlink()
    with pytest.raises(Refusal, match=JAR.file) as caught:
        fetch_jars(cache=tmp_path / "cache", maven_url=maven[0], jars=[JAR])
    assert caught.value.exit_code == UNAVAILABLE
