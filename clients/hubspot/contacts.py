"""Contacts, a hundred in a call.

Law: every call ends in a bounded time, in an answer, a `Refused` or a `HubSpotTrouble`; a timeout says nothing about
what HubSpot did. Bodies are never logged. HubSpot's own client is 15 times as dear (facts/hubspot.md 22), so this is
plain aiohttp.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from clients.hubspot import answers
from clients.hubspot.troubles import MissingScopes, Refused, ServerTrouble, TimedOut, Unreachable
from clients.hubspot.verdict import trouble_of
from domain.batch_answers import BatchAnswer, Found

CONTACTS = "/crm/v3/objects/contacts"
TIMEOUT_SECONDS = 15.0
_ABOUT_INPUTS = frozenset({400, 409, 413, 414, 422})  # any other 4xx is about the address, not about a contact


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """The portal that a token belongs to."""

    portal_id: int
    account_type: str | None = None
    ui_domain: str | None = None
    time_zone: str | None = None
    utc_offset_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some contacts of a list; `after` leads to the next page, None at the end."""

    contacts: tuple[Found, ...]
    after: str | None
    answer: BatchAnswer


def open_session(ca_file: Path | None = None, *, timeout: float = TIMEOUT_SECONDS) -> aiohttp.ClientSession:
    """A connection pool for one HubSpot; `ca_file` is trusted besides the usual certificates. The caller closes it."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=32),
        timeout=aiohttp.ClientTimeout(total=timeout),
        json_serialize=lambda value: orjson.dumps(value).decode(),
    )


class ContactsApi:
    """The calls on contacts with one token. All raise HubSpotTrouble and Refused."""

    def __init__(self, base_url: str, token: str, session: aiohttp.ClientSession) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._session = session

    async def batch_update(self, inputs: Sequence[tuple[str, str, Mapping[str, str]]]) -> BatchAnswer:
        """Write properties by record id; `inputs` are (record id, trace, properties), at most 100."""
        return await self._batch("update", [_input(trace, values, id=record) for record, trace, values in inputs])

    async def batch_create(self, inputs: Sequence[tuple[str, Mapping[str, str]]]) -> BatchAnswer:
        """Create contacts; `inputs` are (trace, properties), at most 100. Repeating one ends in a CONFLICT."""
        return await self._batch("create", [_input(trace, values) for trace, values in inputs])

    async def batch_read(
        self,
        keys: Sequence[str],
        properties: Iterable[str],
        *,
        archived: bool = False,
        id_property: str | None = None,
    ) -> BatchAnswer:
        """Read by record id, or by `email`. A merged-away id answers its survivor; `archived` reads the bin only."""
        body: dict[str, Any] = {"properties": list(properties), "inputs": [{"id": key} for key in keys]}
        if id_property is not None:
            body["idProperty"] = id_property
        query = f"?archived={'true' if archived else 'false'}"
        return await self._asked(f"{CONTACTS}/batch/read{query}", body)

    async def page(
        self, properties: Iterable[str], *, after: str | None = None, archived: bool = False, limit: int = 100
    ) -> Page:
        """One page of all contacts, of the active ones or of those in the bin."""
        query = {"limit": str(limit), "properties": ",".join(properties), "archived": "true" if archived else "false"}
        if after is not None:
            query["after"] = after
        status, headers, body = await self._call("GET", CONTACTS, query=query)
        answer = answers.batch_answer(status, headers, body)
        paging = body.get("paging") if isinstance(body, dict) else None
        following = paging.get("next") if isinstance(paging, dict) else None
        onwards = following.get("after") if isinstance(following, dict) else None
        return Page(contacts=answer.found, after=str(onwards) if onwards else None, answer=answer)

    async def search(self, wanted: Sequence[tuple[str, str]], properties: Iterable[str]) -> tuple[Found, ...]:
        """Living contacts with one of these (property, value) pairs, at most 5 pairs and 200 contacts.

        The index lags by moments, and the bin is not in it: never ask it before creating (facts/hubspot.md 11).
        """
        groups = [{"filters": [{"propertyName": name, "operator": "EQ", "value": value}]} for name, value in wanted]
        body = {"filterGroups": groups, "properties": list(properties), "limit": 200}
        return (await self._asked(f"{CONTACTS}/search", body)).found

    async def privacy_delete(self, record: str) -> bool:
        """Delete a contact for good, a living one or one in the bin; False when there is none with this record id.

        By id, never by e-mail: an address that nobody has would be blocked instead (facts/hubspot.md 9).
        """
        try:
            await self._call("POST", f"{CONTACTS}/gdpr-delete", body={"objectId": record})
        except ServerTrouble as trouble:
            if trouble.status == 404:
                return False
            raise
        return True

    async def account(self) -> AccountInfo | None:
        """The portal that the token belongs to; None where this token may not ask: the scope it needs varies."""
        try:
            status, headers, body = await self._call("GET", "/account-info/v3/details")
        except MissingScopes:
            return None
        except ServerTrouble as trouble:
            if trouble.status == 404:
                return None
            raise
        found = body if isinstance(body, dict) else {}
        portal_id = found.get("portalId")
        if not isinstance(portal_id, int):
            raise ServerTrouble(status, correlation=answers.correlation_of(headers, body))
        offset = found.get("utcOffsetMilliseconds")
        return AccountInfo(
            portal_id=portal_id,
            account_type=_text(found.get("accountType")),
            ui_domain=_text(found.get("uiDomain")),
            time_zone=_text(found.get("timeZone")),
            utc_offset_ms=offset if isinstance(offset, int) else 0,
        )

    async def _batch(self, verb: str, inputs: list[dict[str, Any]]) -> BatchAnswer:
        return await self._asked(f"{CONTACTS}/batch/{verb}", {"inputs": inputs})

    async def _asked(self, path: str, body: dict[str, Any]) -> BatchAnswer:
        status, headers, answer = await self._call("POST", path, body=body)
        return answers.batch_answer(status, headers, answer)

    async def _call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], Any]:
        headers = {"Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method,
                self._base_url + path,
                data=None if body is None else orjson.dumps(body),
                params=query,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                status, told, raw = answer.status, answer.headers, await answer.read()
        except TimeoutError:
            raise TimedOut("HubSpot did not answer in time") from None
        except (aiohttp.ClientError, OSError) as trouble:
            raise Unreachable(f"HubSpot cannot be reached: {type(trouble).__name__}") from None
        found = answers.document(raw)
        if 200 <= status < 300:
            return status, told, found
        failed = trouble_of(status, told, found)
        if isinstance(failed, Refused) and status not in _ABOUT_INPUTS:
            raise ServerTrouble(status, correlation=failed.answer.correlation)
        raise failed


def _input(trace: str, properties: Mapping[str, str], **more: str) -> dict[str, Any]:
    return {**more, "objectWriteTraceId": trace, "properties": dict(properties)}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
