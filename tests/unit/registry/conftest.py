"""Fakes for the registry's tests: a log in memory, a LINE channel and HubSpot's properties that do as they are told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from clients.line import Bot, Endpoint, IssuedToken, LineTrouble, WebhookTest
from registry.applications import Application
from registry.connect import Connector
from registry.log import Known, Registry, fold
from registry.properties import PropertiesReport, PropertiesUnknown
from runtime.sealing import SealingKey
from runtime.settings import Secret, Settings
from schemas.codec import encode
from schemas.connections import PORTAL_KEY, ConnectionRecord

SECRET = "0123456789abcdef0123456789abcdef"


class LogInMemory(Registry):
    """A registry whose log is a list of (key, value)."""

    def __init__(self) -> None:
        super().__init__("nowhere")
        self.log: list[tuple[bytes, bytes]] = []

    @property
    def known(self) -> Known:
        known = Known()
        for key, value in self.log:
            known = fold(known, key, value)
        return known

    async def _transact(self, settle: Callable[[Known], Any]) -> Any:
        result, entries = settle(self.known)
        self.log += [(key, encode(record)) for key, record in entries]
        return result

    def of(self, number: int) -> ConnectionRecord:
        return self.known.connections[number]

    def portal_in_log(self) -> bool:
        return any(key == PORTAL_KEY for key, _ in self.log)


@dataclass
class FakeLine:
    """One LINE platform; `trouble` maps a method's name to what it raises."""

    secrets: dict[str, str] = field(default_factory=lambda: {"2001": SECRET, "2002": SECRET, "2003": SECRET})
    bots: dict[str, str] = field(default_factory=dict)
    endpoint: Endpoint | None = None
    active: bool = True
    tests: list[WebhookTest] = field(default_factory=list)
    verified: bool = True
    trouble: dict[str, LineTrouble] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.trouble:
            raise self.trouble[name]

    async def issue_token(self, channel_id: str, secret: str) -> IssuedToken:
        self._called("issue_token")
        if self.secrets.get(channel_id) != secret:
            raise LineTrouble(400, "bad_request")
        return IssuedToken(f"token of {channel_id}", 900)

    async def bot_info(self, token: str) -> Bot:
        self._called("bot_info")
        if not token.startswith("token of "):
            raise LineTrouble(401, "unauthorized")
        channel_id = token.removeprefix("token of ")
        return Bot(self.bots.get(channel_id, f"U{channel_id}"), f"@{channel_id}", f"Shop {channel_id}", "bot")

    async def webhook_endpoint(self, token: str) -> Endpoint | None:
        self._called("webhook_endpoint")
        return self.endpoint

    async def set_webhook_endpoint(self, token: str, url: str) -> None:
        self._called("set_webhook_endpoint")
        self.endpoint = Endpoint(url, self.active)

    async def test_webhook(self, token: str, url: str) -> WebhookTest:
        self._called("test_webhook")
        return self.tests.pop(0) if self.tests else WebhookTest(True, 200, "OK", "200")

    async def may_list_followers(self, token: str) -> bool:
        self._called("may_list_followers")
        return self.verified


@dataclass
class FakeHubSpot:
    """HubSpot's properties: `report` is what ensuring finds, None = HubSpot is away."""

    report: PropertiesReport | None = field(default_factory=lambda: PropertiesReport(created=("line_user_id_N",)))
    asked: list[int] = field(default_factory=list)

    async def ensure(self, number: int) -> PropertiesReport:
        self.asked.append(number)
        if self.report is None:
            raise PropertiesUnknown("HubSpot cannot be reached")
        return self.report


@pytest.fixture
def registry() -> LogInMemory:
    return LogInMemory()


@pytest.fixture
def line() -> FakeLine:
    return FakeLine()


@pytest.fixture
def hubspot() -> FakeHubSpot:
    return FakeHubSpot()


@pytest.fixture
def key() -> SealingKey:
    return SealingKey("a key for tests only, never for anything else")


@pytest.fixture
def settings_of() -> Callable[..., Settings]:
    def build(**values: str) -> Settings:
        return Settings.load({f"FRIENDSTREAM_{name.upper()}": value for name, value in values.items()})

    return build


@pytest.fixture
def connector(
    registry: LogInMemory,
    line: FakeLine,
    hubspot: FakeHubSpot,
    key: SealingKey,
    settings_of: Callable[..., Settings],
) -> Callable[..., Connector]:
    def build(**values: str) -> Connector:
        given = {"public_url": "https://fs.example.com", **values}
        settings = settings_of(**{name: value for name, value in given.items() if value})
        return Connector(registry, line, key, hubspot.ensure, settings, now=lambda: 1000, seconds_between_tests=0)

    return build


@pytest.fixture
def application() -> Callable[..., Application]:
    def build(channel_id: str = "2001", **values: Any) -> Application:
        return Application(**{"channel_id": channel_id, "channel_secret": Secret(SECRET), **values})

    return build
