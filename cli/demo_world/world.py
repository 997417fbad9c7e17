"""The world: one LINE account, one HubSpot portal, and the program between them.

Law: all ports are chosen by the system; settings of the person who runs this never leak in, but for where jars are.
"""

import os
import signal
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from cli.demo_world.expectation import Face, differences, expected_contacts
from cli.demo_world.failure import until
from cli.demo_world.program import Said, Up, run_verb
from devkit.hubspot import HubSpotSimulator
from devkit.hubspot.contacts import Contact
from devkit.line import DeliverySettings, Json, LineSimulator
from runtime.settings import environment

TOKEN = "pat-demo"  # noqa: S105 - opens nothing but the simulator
KEPT = frozenset({"FRIENDSTREAM_JAR_CACHE", "FRIENDSTREAM_MAVEN_URL", "FRIENDSTREAM_KAFKA_MEMORY_MB"})
QUICK_JAVA = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}  # a second compiler gains nothing in a minute's life
SESSION_SECONDS = 6  # how long the partitions of a killed worker wait for another


class World:
    """Starts the simulators with the block and ends everything with it; `up` is started by `start`.

    `settings` are FRIENDSTREAM_ settings without the prefix, in any case, that replace the world's own.
    """

    def __init__(self, data_dir: Path, *, seed: int = 1, settings: Mapping[str, object] | None = None) -> None:
        self.data_dir = data_dir
        self.line = LineSimulator(seed=seed)
        self.hubspot = HubSpotSimulator(token=TOKEN, seed=seed)
        self.up = Up(data_dir)
        self.number = 0
        self._settings: dict[str, str] = {}
        self.change_settings(**(settings or {}))

    async def __aenter__(self) -> Self:
        await self.line.__aenter__()
        await self.hubspot.start()
        self.shop = self.line.add_account(display_name="Blue Bird Coffee", delivery=DeliverySettings(redelivery=True))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.up.stop()
        finally:
            await self.hubspot.stop()
            await self.line.__aexit__(kind, error, trace)

    @property
    def settings(self) -> dict[str, str]:
        """The program's settings in this world, as variables."""
        own = {
            "DATA_DIR": self.data_dir,
            "INGRESS_BIND": "127.0.0.1:0",
            "WEB_BIND": "127.0.0.1:0",
            "LINE_API_URL": self.line.url,
            "LINE_DATA_URL": self.line.url,
            "HUBSPOT_API_URL": self.hubspot.url,
            "HUBSPOT_TOKEN": TOKEN,
            "SESSION_SECONDS": SESSION_SECONDS,
            "LANGUAGE": "en",
            **({"PUBLIC_URL": self.up.ready["ingress"]} if self.up.ready else {}),
            **self._settings,
        }
        return {f"FRIENDSTREAM_{name}": str(value) for name, value in own.items()}

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the program's processes."""
        outer = environment().items()
        return QUICK_JAVA | {k: v for k, v in outer if not k.startswith("FRIENDSTREAM_") or k in KEPT} | self.settings

    def change_settings(self, **settings: object) -> None:
        """Replace settings; they count from the next start or verb."""
        self._settings |= {name.upper(): str(value) for name, value in settings.items()}

    async def start(self, *, timeout: float = 120.0) -> dict[str, Any]:
        """Start `up` and return its ready document."""
        return await self.up.start(self.environ, timeout=timeout)

    async def verb(self, *args: str, accept: Collection[int] | None = (0,), timeout: float = 90.0) -> Said:
        """Run a verb in this world."""
        return await run_verb(*args, env=self.environ, accept=accept, timeout=timeout)

    async def idle(self, timeout: float = 60.0) -> dict[str, Any]:
        """Wait as a user does until nothing is left to do; returns the status."""
        waited = await self.verb(
            "status", "--wait", "idle", "--timeout", str(timeout), "--json", timeout=timeout + 30.0
        )
        status: dict[str, Any] = waited.json
        return status

    async def connect(self) -> dict[str, Any]:
        """Connect the shop with the verb, webhook and all; returns what the verb printed."""
        secret = self.data_dir / "channel-secret"
        secret.touch(mode=0o600)
        secret.write_text(self.shop.channel_secret, encoding="utf-8")
        added = await self.verb(
            "connections", "add", "--channel-id", self.shop.channel_id, "--secret-file", str(secret), "--json"
        )
        secret.unlink()
        document: dict[str, Any] = added.json
        self.number = int(document["number"])
        return document

    def property(self, name: str) -> str:
        """The full name of one of the connection's properties: `follow` -> `line_follow_1`."""
        return f"line_{name}_{self.number}"

    def contacts_of(self, friend: str) -> list[Contact]:
        """The living contacts of a LINE user id."""
        return [c for c in self.hubspot.people.contacts() if c.properties.get(self.property("user_id")) == friend]

    def contact(self, friend: str) -> Contact | None:
        """The one living contact of a LINE user id, or None."""
        found = self.contacts_of(friend)
        assert len(found) < 2, f"{len(found)} contacts of one friend"
        return found[0] if found else None

    async def until_contact(self, friend: str, *, timeout: float = 20.0, **values: str) -> Contact:
        """Wait until the friend's contact has these values (by short property name), and return it."""
        wanted = {self.property(name): value for name, value in values.items()}

        def held() -> dict[str, str | None]:
            contact = self.contact(friend)
            return {} if contact is None else {name: contact.properties.get(name) for name in wanted}

        await until(
            lambda: self.contact(friend) is not None and held() == wanted,
            expected=f"a contact with {wanted}",
            seen=lambda: str(held()) if self.contact(friend) is not None else "no contact",
            where=self.up.log,
            timeout=timeout,
        )
        contact = self.contact(friend)
        assert contact is not None
        return contact

    def differences(self, events: Iterable[Json]) -> dict[str, list[str]]:
        """What differs in HubSpot from what these events say, by friend; {} = nothing."""
        faces = {
            self.line.user_id(self.shop, person): Face(person.display_name, person.picture_url or "")
            for person in self.line.platform.world.people.values()
        }
        expected = expected_contacts(events, faces, self.number)
        contacts = [contact.properties for contact in self.hubspot.people.contacts()]
        return differences(expected, contacts, self.number)

    def pid_of(self, role: str) -> int | None:
        """The process id of a role that is ready."""
        path = self.data_dir / "run" / f"{role}.json"
        document = orjson.loads(path.read_bytes()) if path.exists() else {}
        return int(document["pid"]) if document.get("ready") else None

    def kill_role(self, role: str) -> int:
        """Kill -9 a role, and return the process id it had."""
        pid = self.pid_of(role)
        assert pid is not None, f"{role} is not ready"
        os.kill(pid, signal.SIGKILL)
        return pid

    async def until_back(self, role: str, former: int, timeout: float = 60.0) -> int:
        """Wait until `up` has brought a role back; returns its new process id."""
        await until(
            lambda: self.pid_of(role) not in (None, former),
            expected=f"`up` to start {role} again",
            seen=lambda: f"{role} has process id {self.pid_of(role)}, the killed one had {former}",
            where=self.up.log,
            timeout=timeout,
        )
        return self.pid_of(role) or 0
