"""Log lines: one per event, on stderr, as text or as JSON.

Law: every line passes redaction; the real stderr is written to, for Faust turns sys.stderr into a log.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import IO

import orjson

from runtime.redaction import Redaction
from runtime.settings import Secret, Settings

_REPEATED_SECONDS = 10.0
_QUIET = ("aiokafka", "kafka", "aiohttp.access", "asyncio", "urllib3", "jgo")


def logger(name: str) -> logging.Logger:
    """The logger of a room; messages are sentences with codes, counts and masked ids."""
    return logging.getLogger(name)


def configure(settings: Settings, role: str, *, stream: IO[str] | None = None) -> None:
    """Send all log lines of this process to stderr (or `stream`); calling it again replaces what was set before."""
    secrets = [value.reveal() for value in _all_values(settings) if isinstance(value, Secret)]
    redaction = Redaction(secrets)
    handler = logging.StreamHandler(stream or sys.__stderr__)
    handler.setFormatter(JsonLines(role, redaction) if settings.log == "json" else TextLines(role, redaction))
    handler.addFilter(_worth_a_line)
    handler.addFilter(_without_bytes_of_a_client)
    handler.addFilter(_seldom())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


class TextLines(logging.Formatter):
    """`2026-11-22T03:11:22.123Z INFO    hubspot message`."""

    def __init__(self, role: str, redaction: Redaction) -> None:
        super().__init__()
        self._role, self._redaction = role, redaction

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time_of(record)} {record.levelname:7} {self._role} {record.getMessage()}"
        return self._redaction("\n".join([line, *_trace_of(self, record)]))


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, role, logger, message, and error when there was one."""

    def __init__(self, role: str, redaction: Redaction) -> None:
        super().__init__()
        self._role, self._redaction = role, redaction

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "at": _time_of(record),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": self._redaction(record.getMessage()),
        }
        if trace := _trace_of(self, record):
            fields["error"] = self._redaction("\n".join(trace))
        return orjson.dumps(fields).decode()


def _worth_a_line(record: logging.LogRecord) -> bool:
    """False while a broker makes its first group coordinator: aiokafka calls each look at it an error."""
    given = record.args if isinstance(record.args, tuple) else ()
    return not any(type(one).__name__ == "GroupCoordinatorNotAvailableError" for one in given)


def _without_bytes_of_a_client(record: logging.LogRecord) -> bool:
    """An HTTP parser quotes what it could not read, which may be the text of a friend: the trouble's name says enough.

    A body longer than its Content-Length is read on as the next request.
    """
    trouble = record.exc_info[1] if record.exc_info else None
    if trouble is not None and any(kind.__module__ == "aiohttp.http_exceptions" for kind in type(trouble).__mro__):
        record.msg, record.args = "a request that no one can read was refused (%s)", (type(trouble).__name__,)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
    return True


def _seldom() -> Callable[[logging.LogRecord], bool]:
    """Lets each sentence of aiokafka through once in ten seconds: while a broker is away it says them all the time."""
    last: dict[tuple[str, str], float] = {}

    def passes(record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        said = (record.name, str(record.msg))
        if 0 <= record.created - last.get(said, -_REPEATED_SECONDS) < _REPEATED_SECONDS:
            return False
        last[said] = record.created
        return True

    return passes


def _all_values(settings: Settings) -> list[object]:
    return [getattr(settings, name) for name in settings.__dataclass_fields__]


def _time_of(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def _trace_of(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    return [formatter.formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
