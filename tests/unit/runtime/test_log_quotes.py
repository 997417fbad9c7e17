"""What a client sent is not quoted in a log line."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from aiohttp.http_exceptions import BadStatusLine

from runtime.logs import configure
from runtime.settings import Settings


@pytest.fixture(autouse=True)
def _untouched_root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_request_that_no_one_can_read_is_told_without_its_bytes(form: str) -> None:
    stream = io.StringIO()
    configure(Settings.load({"FRIENDSTREAM_LOG": form}), "ingress", stream=stream)
    try:
        raise BadStatusLine("my secret text")
    except BadStatusLine:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "127.0.0.1")
    line = stream.getvalue()
    assert "a request that no one can read was refused (BadStatusLine)" in line
    assert "secret" not in line
    assert "Traceback" not in line


def test_a_bug_keeps_its_traceback() -> None:
    stream = io.StringIO()
    configure(Settings.load({}), "ingress", stream=stream)
    try:
        raise RuntimeError("a bug")
    except RuntimeError:
        logging.getLogger("aiohttp.server").exception("Error handling request")
    assert "Traceback" in stream.getvalue()
