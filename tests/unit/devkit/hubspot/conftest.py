"""An account without a socket, in virtual time."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from devkit.clock import seeded
from devkit.hubspot.account import Account
from devkit.hubspot.front_door import FrontDoor, Reply, Request
from devkit.hubspot.people import People

TOKEN = "pat-test"
CONTACTS = "/crm/v3/objects/contacts"


@dataclass
class Desk:
    """Calls the account at `now`, which only tests move."""

    account: Account = field(default_factory=lambda: Account(TOKEN, seed=7))
    now: int = 1_790_000_000_000

    def __post_init__(self) -> None:
        self.door = FrontDoor(self.account, seeded(7))
        self.people = People(self.account, lambda: self.now)

    def send(self, method: str, path: str, body: Any = None, query: str = "", token: str = TOKEN) -> Reply:
        """Send one request."""
        raw = b"" if body is None else orjson.dumps(body)
        return self.door.handle(Request(method, path, query, f"Bearer {token}", raw), self.now)

    def ask(self, method: str, path: str, body: Any = None, query: str = "") -> tuple[int, Any]:
        """Send one request and return status and decoded body."""
        reply = self.send(method, path, body, query)
        return reply.status, orjson.loads(reply.body) if reply.body else None

    def batch(self, verb: str, inputs: list[dict[str, Any]], query: str = "", **more: Any) -> tuple[int, Any]:
        """Send a batch on contacts."""
        return self.ask("POST", f"{CONTACTS}/batch/{verb}", {"inputs": inputs, **more}, query)

    def contact(self, email: str, **properties: str) -> str:
        """Make a contact by the API and return its id."""
        status, body = self.ask("POST", CONTACTS, {"properties": {"email": email, **properties}})
        assert status == 201, body
        return str(body["id"])

    def value(self, record_id: str, name: str) -> str | None:
        """Return the stored value of a property."""
        return self.account.portal.contacts.records[record_id].properties.get(name)


@pytest.fixture
def desk() -> Desk:
    """A fresh account."""
    return Desk()
