"""Log lines: no full id, token or secret in any of them, tracebacks included."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import orjson
import pytest
from aiokafka.errors import GroupAuthorizationFailedError, GroupCoordinatorNotAvailableError

from runtime.logs import configure, logger
from runtime.redaction import Redaction
from runtime.settings import Settings

USER = "U4af4980629" + "0" * 22


@pytest.fixture(autouse=True)
def _untouched_root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize(
    ("line", "redacted"),
    [
        (f"friend {USER} is gone", "friend U4af4… is gone"),
        (f"{USER.lower()}@line.me", "u4af4…@line.me"),
        (f"room R{USER[1:]}, group C{USER[1:]}", "room R4af4…, group C4af4…"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("token pat-na1-12345678-abcd", "token pat-***"),
        ('{"client_secret": "abcdef", "x": 1}', '{"client_secret": "***", "x": 1}'),
        ("client_secret=abcdef&x=1", "client_secret=***&x=1"),
        ("jwt eyJhbGciOiJI.eyJpc3Mi.c2ln", "jwt ***"),
        ("digest 9f2c" + "0" * 60, "digest 9f2c" + "0" * 60),
        ("trace my-own-secret!", "trace ***"),
    ],
)
def test_redaction(line: str, redacted: str) -> None:
    assert Redaction(["my-own-secret!"])(line) == redacted


def test_a_text_line_says_when_how_bad_who_and_what() -> None:
    stream = io.StringIO()
    configure(Settings.load({}), "hubspot", stream=stream)
    logger("sink").warning("%d changes wait for %s", 3, USER)
    at, level, role, *words = stream.getvalue().split()
    assert at.endswith("Z")
    assert (level, role) == ("WARNING", "hubspot")
    assert " ".join(words) == "3 changes wait for U4af4…"


def test_a_json_line_is_one_object_and_its_traceback_is_redacted() -> None:
    stream = io.StringIO()
    token = "a-token-of-hubspot"
    configure(Settings.load({"FRIENDSTREAM_LOG": "json", "FRIENDSTREAM_HUBSPOT_TOKEN": token}), "fold", stream=stream)
    try:
        raise ValueError(f"{USER} {token}")
    except ValueError:
        logger("fold").exception("failed")
    (line,) = stream.getvalue().splitlines()
    found = orjson.loads(line)
    assert {name: found[name] for name in ("level", "role", "logger", "message")} == {
        "level": "error",
        "role": "fold",
        "logger": "fold",
        "message": "failed",
    }
    assert "ValueError: U4af4… ***" in found["error"]
    assert token not in line


def test_a_coordinator_that_is_still_being_made_is_no_line_but_other_errors_are() -> None:
    stream = io.StringIO()
    configure(Settings.load({}), "up", stream=stream)
    said = logger("aiokafka.consumer.group_coordinator")
    said.error("Group Coordinator Request failed: %s", GroupCoordinatorNotAvailableError())
    assert stream.getvalue() == ""
    said.error("Group Coordinator Request failed: %s", GroupAuthorizationFailedError())
    assert "Group Coordinator Request failed" in stream.getvalue()


def test_what_aiokafka_says_all_the_time_while_a_broker_is_away_is_one_line_in_ten_seconds() -> None:
    stream = io.StringIO()
    configure(Settings.load({}), "ingress", stream=stream)
    for _ in range(50):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s", 1)
        logger("ingress.run").warning("ours is always said")
    logging.getLogger("aiokafka").error("another sentence")
    said = stream.getvalue()
    assert said.count("Unable connect") == 1
    assert said.count("another sentence") == 1
    assert said.count("ours is always said") == 50
