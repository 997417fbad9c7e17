"""Contact properties and their group, through HubSpot's own client in a thread: a few calls when a connection is made.

Law: ensuring is idempotent. What exists with the right type is adopted, what lies in the bin is restored, what is
missing is made; a property of another type is never touched and named with both types.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeVar

import certifi
import urllib3
import urllib3.exceptions
from hubspot import HubSpot
from hubspot.crm.properties.exceptions import ApiException

from clients.hubspot import answers
from clients.hubspot.troubles import Refused, ServerTrouble, TimedOut, Unreachable
from clients.hubspot.verdict import trouble_of
from domain.contact_properties import GROUP_LABEL, GROUP_NAME, PropertyDefinition, connection_properties

TIMEOUT_SECONDS: Final = 15.0
_CONTACTS: Final = "contacts"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongType:
    """A property that exists with another type than ours; both as `type/fieldType`."""

    name: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"the contact property {self.name} has the type {self.found}, it must have {self.wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureReport:
    """What ensuring found and did, by property name; nothing was made for a connection with a wrong one."""

    created: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    wrong: tuple[WrongType, ...] = ()


class PropertiesApi:
    """The calls on contact properties with one token. All raise HubSpotTrouble and Refused."""

    def __init__(
        self, base_url: str, token: str, *, ca_file: Path | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._ca_file = ca_file
        self._timeout = timeout

    async def ensure_connection_properties(self, numbers: Iterable[int]) -> EnsureReport:
        """See that the group and the seven properties of each connection exist."""
        return await self.ensure([one for number in numbers for one in connection_properties(number)])

    async def ensure(self, definitions: Iterable[PropertyDefinition]) -> EnsureReport:
        """See that the group and these properties exist."""
        return await asyncio.to_thread(self._ensure, tuple(definitions))

    def _ensure(self, definitions: tuple[PropertyDefinition, ...]) -> EnsureReport:
        with _trusted(self._ca_file) as certificates:
            more = {} if certificates is None else {"ssl_ca_cert": certificates}
            once = urllib3.Retry(total=0)  # whoever asked tries again, and says so; three silent tries take a minute
            client = HubSpot(access_token=self._token, host=self._base_url, retry=once, **more)
            return _Calls(client, self._timeout).ensure(definitions)


class _Calls:
    """The blocking calls; each API object is kept, for every access to it opens a new connection."""

    def __init__(self, client: Any, timeout: float) -> None:
        self._properties = client.crm.properties.core_api
        self._groups = client.crm.properties.groups_api
        self._timeout = timeout

    def ensure(self, definitions: tuple[PropertyDefinition, ...]) -> EnsureReport:
        active = self._listed(archived=False)
        missing = [one for one in definitions if one.name not in active]
        binned = self._listed(archived=True) if missing else {}
        wrong = [
            trouble
            for one in definitions
            for found in [active.get(one.name) or binned.get(one.name)]
            if found is not None and (trouble := compare(one, found)) is not None
        ]
        adopted = tuple(one.name for one in definitions if one.name in active)
        if wrong:
            return EnsureReport(adopted=adopted, wrong=tuple(wrong))
        if missing:
            self._ensure_group()
        made = [(one, self._made(one)) for one in missing]
        return EnsureReport(
            created=tuple(one.name for one in missing if one.name not in binned),
            restored=tuple(one.name for one in missing if one.name in binned),
            adopted=adopted,
            wrong=tuple(trouble for one, found in made if (trouble := compare(one, found)) is not None),
        )

    def _listed(self, *, archived: bool) -> dict[str, Any]:
        found = self._done(
            lambda: [*self._properties.get_all(_CONTACTS, archived=archived, _request_timeout=self._timeout).results]
        )
        return {one.name: one for one in found}

    def _ensure_group(self) -> None:
        found = self._done(lambda: [*self._groups.get_all(_CONTACTS, _request_timeout=self._timeout).results])
        if any(group.name == GROUP_NAME for group in found):
            return
        body = {"name": GROUP_NAME, "label": GROUP_LABEL, "displayOrder": -1}
        self._unless_there(lambda: self._groups.create(_CONTACTS, body, _request_timeout=self._timeout))

    def _made(self, one: PropertyDefinition) -> Any:
        """Make it, or restore it: HubSpot answers 201 to the name of an archived one, and 409 to an active one."""
        made = self._unless_there(
            lambda: self._properties.create(_CONTACTS, _body(one), _request_timeout=self._timeout)
        )
        if made is not None:
            return made
        return self._done(lambda: self._properties.get_by_name(_CONTACTS, one.name, _request_timeout=self._timeout))

    def _unless_there(self, call: Callable[[], T]) -> T | None:
        try:
            return self._done(call)
        except Refused as refused:
            if refused.answer.status == 409:
                return None
            raise

    def _done(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except ApiException as failed:
            body = answers.document(str(failed.body or "").encode())
            raise trouble_of(int(failed.status or 0), failed.headers or {}, body) from None
        except (AttributeError, TypeError, ValueError):  # HubSpot's client could not read what came
            raise ServerTrouble(HTTPStatus.BAD_GATEWAY) from None
        except (urllib3.exceptions.HTTPError, OSError) as trouble:
            cause = trouble.reason if isinstance(trouble, urllib3.exceptions.MaxRetryError) else trouble
            if isinstance(cause, urllib3.exceptions.ReadTimeoutError):
                raise TimedOut("HubSpot did not answer in time") from None
            raise Unreachable(f"HubSpot cannot be reached: {type(cause).__name__}") from None


def compare(wanted: PropertyDefinition, found: Any) -> WrongType | None:
    """Whether a found property can hold our values: the type, and for a choice both options."""
    options = {option.value for option in found.options or ()}
    if found.type == wanted.type and options.issuperset(value for value, _label in wanted.options):
        return None
    return WrongType(
        name=wanted.name,
        wanted=f"{wanted.type}/{wanted.field_type}",
        found=f"{found.type}/{found.field_type}" + ("" if found.type != wanted.type else " without true and false"),
    )


def _body(one: PropertyDefinition) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": one.name,
        "label": one.label,
        "type": one.type,
        "fieldType": one.field_type,
        "groupName": GROUP_NAME,
    }
    if one.options:
        body["options"] = [
            {"label": label, "value": value, "displayOrder": place, "hidden": False}
            for place, (value, label) in enumerate(one.options)
        ]
    return body


@contextmanager
def _trusted(ca_file: Path | None) -> Iterator[str | None]:
    """A file with the usual certificates and ours: HubSpot's client takes one file in place of the usual ones."""
    if ca_file is None:
        yield None
        return
    with tempfile.NamedTemporaryFile(suffix=".pem") as bundle:
        bundle.write(Path(certifi.where()).read_bytes() + b"\n" + ca_file.read_bytes())
        bundle.flush()
        yield bundle.name
