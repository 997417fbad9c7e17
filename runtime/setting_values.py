"""The kinds of values a setting can have.

Law: a parser returns the value or raises Unacceptable with the end of the sentence "FRIENDSTREAM_X ...", and never
quotes what it was given: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

PlanName = Literal["trial", "starter", "professional", "enterprise", "custom", "off"]
PLAN_LIMITS: Final[Mapping[PlanName, int | None]] = {
    "trial": 2,
    "starter": 2,
    "professional": 10,
    "enterprise": 50,
    "off": None,
}


class Unacceptable(ValueError):
    """The end of the sentence "FRIENDSTREAM_X ..."."""


class Secret:
    """A value that shows itself only when asked to."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; never put it into a log, an error or an argument of a process."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))


@dataclass(frozen=True, slots=True)
class Bind:
    """Where a server listens; port 0 means any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many live connections are allowed; `limit` None means any number."""

    name: PlanName
    limit: int | None


def text(raw: str) -> str:
    """Any text."""
    return raw


def long_text(raw: str) -> str:
    """Text that is long enough to be a key."""
    if len(raw) < 32:
        raise Unacceptable("must have at least 32 characters; make one with: openssl rand -base64 32")
    return raw


def path(raw: str) -> Path:
    """A path; `~` is the home directory, and a relative one becomes absolute."""
    return Path(raw).expanduser().absolute()


def existing_file(raw: str) -> Path:
    """The path of a file that can be read."""
    found = path(raw)
    try:
        with found.open("rb"):
            return found
    except OSError as trouble:
        raise Unacceptable(f"must name a file that can be read ({trouble.strerror})") from None


def flag(raw: str) -> bool:
    """1/0, true/false, yes/no, on/off."""
    word = raw.lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise Unacceptable("must be 1 or 0")


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"-?\d{1,12}", raw) or not least <= int(raw) <= most:
            raise Unacceptable(f"must be a whole number from {least} to {most}")
        return int(raw)

    return parse


def seconds(least: float, most: float) -> Callable[[str], float]:
    """A number of seconds within bounds."""

    def parse(raw: str) -> float:
        if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", raw) or not least <= float(raw) <= most:
            raise Unacceptable(f"must be a number of seconds from {least:g} to {most:g}")
        return float(raw)

    return parse


def choice(*words: str) -> Callable[[str], str]:
    """One of a few words."""

    def parse(raw: str) -> str:
        if raw not in words:
            raise Unacceptable(f"must be one of: {', '.join(words)}")
        return raw

    return parse


def url(raw: str) -> str:
    """An http or https address without query; a slash at its end is dropped."""
    try:
        parts = urlsplit(raw)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_good = urlsplit(""), False
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_good:
        raise Unacceptable("must be an address like https://api.example.com")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise Unacceptable("must be an address without user, query and fragment")
    return raw.rstrip("/")


def host_and_port(raw: str, *, least_port: int) -> Bind:
    """`host:port` or `[v6]:port`."""
    host, colon, port = raw.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not re.fullmatch(r"\d{1,5}", port) or not least_port <= int(port) <= 65535:
        raise Unacceptable("must be host:port")
    return Bind(host, int(port))


def bind(raw: str) -> Bind:
    """Where to listen; port 0 means any free one."""
    return host_and_port(raw, least_port=0)


def kafka(raw: str) -> str:
    """`embedded`, or bootstrap servers as host:port separated by commas."""
    if raw == "embedded":
        return raw
    servers = [part.strip() for part in raw.split(",")]
    try:
        return ",".join(str(host_and_port(server, least_port=1)) for server in servers)
    except Unacceptable:
        raise Unacceptable("must be embedded, or host:port,host:port") from None


def plan(raw: str) -> Plan:
    """A plan's name, `custom:n`, or `off` for no limit."""
    if match := re.fullmatch(r"custom:(\d{1,6})", raw):
        return Plan("custom", int(match[1]))
    for name, limit in PLAN_LIMITS.items():
        if raw == name:
            return Plan(name, limit)
    raise Unacceptable("must be one of: trial, starter, professional, enterprise, custom:n, off")


def quota(raw: str) -> int | None:
    """`auto` (None: what HubSpot's headers say), or the number of calls in 10 s."""
    if raw == "auto":
        return None
    if not re.fullmatch(r"\d{1,6}", raw) or int(raw) < 1:
        raise Unacceptable("must be auto, or a number of calls in 10 seconds")
    return int(raw)
