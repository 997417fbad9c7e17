"""Making connections: `connections add`, CONNECTIONS_FILE, and looking again at those that wait.

Law: a person's attempt ends in a connection or in a refusal that says what to do; an entry of the file always ends in a
connection that verifies webhooks at once, and what LINE or HubSpot could not say is asked again later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from clients.line import Bot, LineTrouble
from registry import admission
from registry.applications import Application
from registry.checks import LineChannel, find_bot, find_properties, find_verified, find_webhook
from registry.log import Registry
from registry.properties import EnsureProperties
from registry.status import Attention, Check, Findings, with_status
from registry.tokens import TokenSource
from runtime.clock import now_ms
from runtime.logs import logger
from runtime.refusal import MISCONFIGURED, REFUSED, UNAVAILABLE, VENDOR_REFUSED, Refusal
from runtime.sealing import NotOpened, SealingKey
from runtime.settings import Settings
from schemas.connections import ConnectionRecord

SECONDS_AT_THE_START = 10.0
TESTS = 3  # LINE needs up to a minute for a new URL, the ingress a moment for a new connection; 60 tests an hour
SECONDS_BETWEEN_TESTS = 2.0


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection as it stands now, and what was checked."""

    record: ConnectionRecord
    checks: tuple[Check, ...]
    webhook_url: str

    def document(self) -> dict[str, Any]:
        """What `connections add --json` prints."""
        record = self.record
        return {
            "number": record.number,
            "webhook_url": self.webhook_url,
            "name": record.name,
            "status": record.status,
            **({"reason": record.reason} if record.reason else {}),
            "checks": [check.document() for check in self.checks],
        }


class Connector:
    """Makes and checks connections with what is injected; stateless but for the token cache."""

    def __init__(
        self,
        registry: Registry,
        line: LineChannel,
        key: SealingKey,
        ensure_properties: EnsureProperties,
        settings: Settings,
        *,
        now: Callable[[], int] = now_ms,
        seconds_between_tests: float = SECONDS_BETWEEN_TESTS,
    ) -> None:
        self._registry = registry
        self._line = line
        self._key = key
        self._ensure = ensure_properties
        self._settings = settings
        self._now = now
        self._pause = seconds_between_tests
        self._tokens = TokenSource(line, key)

    def webhook_url(self, number: int) -> str:
        """Where LINE posts the events of connection `number`; the path alone while PUBLIC_URL is not set."""
        return f"{self._settings.public_url or ''}/line/{number}"

    async def add(self, application: Application) -> Connected:
        """Connect one account for a person; every refusal of CONTRACT section 2 (4, 5, 69, 78) may come."""
        if application.webhook and self._settings.public_url is None:
            raise Refusal(
                MISCONFIGURED,
                "public_url_missing",
                "LINE must be told where to post, and FRIENDSTREAM_PUBLIC_URL is not set",
                next_step="set it, or add --no-webhook and register the URL in LINE's console",
            )
        try:
            return await self._add(application)
        except LineTrouble as trouble:
            raise _line_away(trouble) from None

    async def apply(self, applications: Sequence[Application]) -> list[ConnectionRecord]:
        """Bring the registry to what CONNECTIONS_FILE says; LINE and HubSpot being away does not matter.

        Returns the connections of the file, in order. Refusal 4 over the plan, 69 when Kafka is away.
        """
        now = self._now()

        def decide(known: dict[int, ConnectionRecord]) -> list[ConnectionRecord]:
            grown, records = dict(known), []
            for application in applications:
                record = admission.kept(grown, application, self._key, self._settings, now)
                if record is not None:
                    if application.webhook and self._settings.public_url is not None:
                        record = msgspec.structs.replace(record, webhook_url=self.webhook_url(record.number))
                    grown[record.number] = record
                    records.append(record)
            return records

        records = await self._registry.transact_all(decide)
        waiting = [record for record in records if record.status in {"properties_pending", "attention"}]
        checked = {record.number: record for record in await self.check_all(waiting, seconds=SECONDS_AT_THE_START)}
        return [checked.get(record.number, record) for record in records]

    async def check_all(
        self, records: Iterable[ConnectionRecord], *, seconds: float | None = None
    ) -> list[ConnectionRecord]:
        """Check several connections at once, each for at most `seconds`; those that time out stay as they are.

        Refusal 78 comes through: another portal's token, or another SECRET_KEY.
        """

        async def one(record: ConnectionRecord) -> ConnectionRecord:
            try:
                async with asyncio.timeout(seconds):
                    return (await self.check(record)).record
            except TimeoutError:
                logger(__name__).warning("connection %d could not be checked in time", record.number)
            except Refusal as refusal:
                if refusal.exit_code == MISCONFIGURED:
                    raise
                logger(__name__).error("connection %d: %s", record.number, refusal.what)
            return record

        return list(await asyncio.gather(*[one(record) for record in records]))

    async def check(self, record: ConnectionRecord, *, test_webhook: bool = False) -> Connected:
        """Ask LINE and HubSpot about a connection and keep what follows; `connections test N` is this."""
        try:
            found, (properties_ok, properties, _) = await asyncio.gather(
                find_bot(self._line, self._tokens, record), find_properties(self._ensure, record.number)
            )
        except NotOpened as closed:
            raise Refusal(
                MISCONFIGURED, "secret_key_changed", str(closed), next_step="give the key of before"
            ) from None
        verified: bool | None = None
        checks = [found.check, properties]
        attention: Attention | None = None
        if found.token is not None:
            if record.verified is None:
                verified, check = await find_verified(self._line, found.token)
                checks.append(check)
            if record.webhook_url is not None:
                attention, more = await self._webhook_again(record, found.token, test_webhook)
                checks += more
        findings = Findings(token_ok=found.ok, properties_ok=properties_ok, webhook=attention, checks=tuple(checks))
        return await self._keep(record.number, findings, found.bot, verified)

    async def _add(self, application: Application) -> Connected:
        token, bot, checks = await self._identify(application)
        verified, check = await find_verified(self._line, token)
        checks.append(check)
        self._demand_verified(verified)
        replaced = await self._refuse_foreign_url(application, token)
        now = self._now()
        draft = await self._registry.transact(
            lambda known: admission.admitted(known, application, bot.user_id, self._key, self._settings, now)
        )
        properties_ok, check, report = await find_properties(self._ensure, draft.number)
        checks.append(check)
        if report is not None and report.wrong:
            raise Refusal(
                VENDOR_REFUSED,
                "property_type_wrong",
                "\n".join(["HubSpot has properties of our names with other types:", *report.wrong]),
                next_step="rename or remove them in HubSpot > Settings > Properties, then add the connection again",
            )
        findings = Findings(token_ok=True, properties_ok=properties_ok, checks=tuple(checks))
        connected = await self._keep(draft.number, findings, bot, verified)  # from here on the ingress accepts
        if not application.webhook:
            return connected
        return await self._point_webhook(connected, findings, bot, token, replaced)

    async def _identify(self, application: Application) -> tuple[str, Bot, list[Check]]:
        issued = await self._asked(
            self._line.issue_token(application.channel_id, application.channel_secret.reveal()),
            "credentials_wrong",
            "channel id or secret wrong",
            "copy both from LINE Developers Console > Basic settings",
        )
        not_messaging = "this is not a Messaging API channel"
        bot = await self._asked(
            self._line.bot_info(issued.token),
            "not_a_messaging_channel",
            not_messaging,
            "choose the Messaging API channel",
        )
        token = issued.token
        if application.token is not None:
            token = application.token.reveal()
            next_step = "paste the long-lived token of this channel, or leave it out"
            spoken = await self._asked(self._line.bot_info(token), "token_wrong", "LINE refuses the token", next_step)
            if spoken.user_id != bot.user_id:
                raise Refusal(VENDOR_REFUSED, "token_wrong", "the token is of another channel", next_step=next_step)
        return token, bot, [Check("token", "done", f"LINE knows the bot {bot.basic_id}")]

    async def _asked(self, call: Any, code: str, what: str, next_step: str) -> Any:
        try:
            return await call
        except LineTrouble as trouble:
            if trouble.passes:
                raise
            raise Refusal(VENDOR_REFUSED, code, what, where=str(trouble), next_step=next_step) from None

    def _demand_verified(self, verified: bool | None) -> None:
        if not self._settings.require_verified or verified:
            return
        if verified is None:
            raise Refusal(
                UNAVAILABLE,
                "line_unavailable",
                "LINE did not say whether the account is verified",
                next_step="try again in a moment, or set FRIENDSTREAM_REQUIRE_VERIFIED=0",
            )
        raise Refusal(
            REFUSED,
            "not_verified",
            "the account is not verified, and FRIENDSTREAM_REQUIRE_VERIFIED asks for it",
            next_step="apply for verification in LINE Official Account Manager",
        )

    async def _refuse_foreign_url(self, application: Application, token: str) -> str | None:
        """The URL of another tool that will be replaced; Refusal 4 without --take-over."""
        if not application.webhook:
            return None
        endpoint = await self._line.webhook_endpoint(token)
        if endpoint is None or endpoint.url.startswith(f"{self._settings.public_url}/line/"):
            return None
        if not application.take_over:
            raise Refusal(
                REFUSED,
                "needs_take_over",
                "another webhook URL is registered with LINE, and there is only one per channel",
                where=endpoint.url,
                next_step="add --take-over to replace it (the other tool gets no more events), or --no-webhook",
            )
        return endpoint.url

    async def _point_webhook(
        self, connected: Connected, findings: Findings, bot: Bot, token: str, replaced: str | None
    ) -> Connected:
        number = connected.record.number
        url = self.webhook_url(number)
        attention: Attention | None = None
        checks: list[Check] = []
        for attempt in range(TESTS):
            try:
                attention, checks = await find_webhook(self._line, token, url, register=attempt == 0, test=True)
            except LineTrouble as trouble:
                if not trouble.passes:
                    raise Refusal(
                        VENDOR_REFUSED,
                        "webhook_url_refused",
                        "LINE does not take our webhook URL",
                        where=url,
                        next_step="FRIENDSTREAM_PUBLIC_URL must be https with a certificate of a public authority",
                    ) from None
                attention, checks = "test_failed", [Check("webhook", "failed", f"LINE did not test ({trouble.reason})")]
            if attention != "test_failed":
                break
            await asyncio.sleep(self._pause if attempt < TESTS - 1 else 0)
        all_checks = (*findings.checks, *checks)
        findings = Findings(token_ok=True, properties_ok=findings.properties_ok, webhook=attention, checks=all_checks)
        return await self._keep(number, findings, bot, None, webhook_url=url, replaced_url=replaced)

    async def _webhook_again(
        self, record: ConnectionRecord, token: str, test: bool
    ) -> tuple[Attention | None, list[Check]]:
        assert record.webhook_url is not None
        try:
            never_set = await self._line.webhook_endpoint(token) is None
            test = test or never_set or record.reason == "test_failed"
            return await find_webhook(self._line, token, record.webhook_url, register=never_set, test=test)
        except LineTrouble as trouble:
            return "test_failed", [Check("webhook", "failed", f"LINE did not say ({trouble.reason})")]

    async def _keep(
        self,
        number: int,
        findings: Findings,
        bot: Bot | None,
        verified: bool | None,
        *,
        webhook_url: str | None = None,
        replaced_url: str | None = None,
    ) -> Connected:
        def decide(known: dict[int, ConnectionRecord]) -> ConnectionRecord:
            record = known[number]
            if bot is not None and record.status != "removed":
                admission.refuse_twins(known, bot.user_id, record.channel_id, number)
            return with_status(
                msgspec.structs.replace(
                    record,
                    name=bot.name if bot is not None and record.name == record.channel_id else record.name,
                    bot_user_id=bot.user_id if bot is not None else record.bot_user_id,
                    basic_id=bot.basic_id if bot is not None else record.basic_id,
                    verified=record.verified if verified is None else verified,
                    webhook_url=webhook_url or record.webhook_url,
                    replaced_url=replaced_url or record.replaced_url,
                ),
                findings,
            )

        record = await self._registry.transact(decide)
        return Connected(record, findings.checks, self.webhook_url(number))


def _line_away(trouble: LineTrouble) -> Refusal:
    return Refusal(
        UNAVAILABLE if trouble.passes else VENDOR_REFUSED,
        "line_unavailable" if trouble.passes else "line_refused",
        f"LINE {'cannot be reached' if trouble.passes else 'refuses'} ({trouble.reason})",
        next_step="try again in a moment; see FRIENDSTREAM_LINE_API_URL",
    )
