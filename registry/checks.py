"""What LINE and HubSpot say about a connection.

Law: a check never raises because a vendor refuses or is away: it finds something out, or it does not (None).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from clients.line import Bot, Endpoint, IssuedToken, LineTrouble, WebhookTest
from registry.properties import EnsureProperties, PropertiesReport, PropertiesUnknown
from registry.status import Attention, Check
from registry.tokens import TokenSource
from schemas.connections import ConnectionRecord


class LineChannel(Protocol):
    """The part of LineApi that makes and checks connections."""

    async def issue_token(self, channel_id: str, secret: str) -> IssuedToken: ...
    async def bot_info(self, token: str) -> Bot: ...
    async def webhook_endpoint(self, token: str) -> Endpoint | None: ...
    async def set_webhook_endpoint(self, token: str, url: str) -> None: ...
    async def test_webhook(self, token: str, url: str) -> WebhookTest: ...
    async def may_list_followers(self, token: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class BotFound:
    """Who a connection's token speaks for; `ok` None = LINE could not be asked."""

    ok: bool | None
    check: Check
    bot: Bot | None = None
    token: str | None = None


async def find_bot(line: LineChannel, tokens: TokenSource, record: ConnectionRecord) -> BotFound:
    """Ask LINE who the connection is; a refused token is tried once more with a new one."""
    for last in (False, True):
        token = None
        try:
            token = await tokens.token_of(record)
            bot = await line.bot_info(token)
        except LineTrouble as trouble:
            if trouble.passes:
                return BotFound(None, Check("token", "pending", f"LINE could not be asked ({trouble.reason})"))
            if token is None or last or trouble.status != 401:
                return BotFound(False, Check("token", "failed", _refused(token is None)))
            tokens.drop(record, token)
        else:
            return BotFound(True, Check("token", "done", f"LINE knows the bot {bot.basic_id}"), bot, token)
    raise AssertionError("the last try returns")


def _refused(no_token: bool) -> str:
    if no_token:
        return "LINE issues no token: channel id or channel secret wrong"
    return "LINE refuses the token: not a Messaging API channel, or a token that was revoked"


async def find_verified(line: LineChannel, token: str) -> tuple[bool | None, Check]:
    """Whether the account is verified: told by the followers list, which others may not read."""
    try:
        verified = await line.may_list_followers(token)
    except LineTrouble as trouble:
        return None, Check("verified", "pending", f"LINE did not say ({trouble.reason})")
    if verified:
        return True, Check("verified", "done", "the account is verified or premium")
    return False, Check("verified", "warning", "the account is not verified: followers cannot be imported")


async def find_properties(ensure: EnsureProperties, number: int) -> tuple[bool | None, Check, PropertiesReport | None]:
    """Whether the seven properties of connection `number` are there and right."""
    try:
        report = await ensure(number)
    except PropertiesUnknown as trouble:
        return None, Check("properties", "pending", str(trouble)), None
    if report.wrong:
        return False, Check("properties", "failed", "; ".join(report.wrong)), report
    if report.adopted:
        names = ", ".join(report.adopted)
        return True, Check("properties", "warning", f"there before us, used from now on: {names}"), report
    made = len(report.created) + len(report.restored)
    return True, Check("properties", "done", f"{made} made, the others are there"), report


async def find_webhook(
    line: LineChannel, token: str, url: str, *, register: bool, test: bool
) -> tuple[Attention | None, list[Check]]:
    """Whether LINE posts to `url`; `register` sets it where another or none stands. Raises LineTrouble."""
    endpoint = await line.webhook_endpoint(token)
    if register and (endpoint is None or endpoint.url != url):
        await line.set_webhook_endpoint(token, url)
        endpoint = await line.webhook_endpoint(token)
    if endpoint is None or endpoint.url != url:
        return "url_not_ours", [Check("webhook", "failed", "another webhook URL is registered with LINE")]
    if not endpoint.active:
        return "webhook_off", [
            Check("webhook", "failed", "`Use webhook` is off: LINE Developers Console > Messaging API > Use webhook")
        ]
    if not test:
        return None, [Check("webhook", "done", "our URL is registered and on")]
    tested = await line.test_webhook(token, url)
    if not tested.success:
        return "test_failed", [Check("webhook", "failed", f"LINE's test: {tested.reason} ({tested.detail[:200]})")]
    return None, [Check("webhook", "done", "our URL is registered, on, and answered LINE's test")]
