"""`check`: is everything there that a start needs, and what to do where it is not.

Law: every check is made, whatever the others say; each ends in done, warning or failed with a next step.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import click
from aiokafka.errors import KafkaError

from cli.output import json_option, print_json, print_table, talk_console
from cli.wiring import connector, contacts_api
from clients.hubspot.contacts import open_session
from clients.hubspot.troubles import HubSpotTrouble, MissingScopes, Refused, Unauthorized
from registry.log import load
from runtime.brokers import resolve, wait_until_reachable
from runtime.clock import now_ms
from runtime.refusal import NO, Refusal
from runtime.settings import Settings
from runtime.topics import compare_topics
from schemas.connections import ConnectionRecord

Result = Literal["done", "warning", "failed"]
SCOPES = "crm.objects.contacts.read/.write and crm.schemas.contacts.read/.write"
MAX_CLOCK_MS = 5_000
KAFKA_SECONDS = 5.0


class Finding(NamedTuple):
    """One line of the table."""

    check: str
    result: Result
    said: str
    next_step: str = ""


@click.command("check")
@json_option
def command(as_json: bool) -> None:
    """Settings, Kafka, topics, HubSpot, LINE, public URL, clock: done, or what to do; exit 1 on a failure."""
    settings = Settings.load()
    with talk_console().status("looking"):
        findings = asyncio.run(look(settings))
    failed = any(finding.result == "failed" for finding in findings)
    if as_json:
        print_json({"ok": not failed, "checks": [finding._asdict() for finding in findings]})
    else:
        print_table(("check", "result", "said", "what to do"), [tuple(finding) for finding in findings])
    if failed:
        raise SystemExit(NO)


async def look(settings: Settings) -> list[Finding]:
    """Make every check; the order is that of a start."""
    findings = [Finding("settings", "done", "all are right")]
    findings += await _guarded("kafka", lambda: _kafka(settings))
    findings += await _guarded("hubspot", lambda: _hubspot(settings))
    findings += await _guarded("line", lambda: _line(settings))
    findings += [_public_url(settings)]
    findings += await _guarded("clock", lambda: _clock(settings))
    return findings


async def _guarded(name: str, check: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        return await check()
    except Refusal as refusal:
        return [Finding(name, "failed", refusal.what, refusal.next_step)]
    except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
        return [Finding(name, "failed", f"not reachable ({type(trouble).__name__})", "look at the network and the URL")]
    except KafkaError as trouble:
        return [Finding(name, "failed", f"Kafka refuses ({type(trouble).__name__})", "see that the broker is well")]


async def _kafka(settings: Settings) -> list[Finding]:
    brokers = resolve(settings)
    await wait_until_reachable(brokers, timeout=KAFKA_SECONDS)
    differences = await compare_topics(brokers, settings)
    topics = [Finding("topics", "failed", difference, "friendstream topics create") for difference in differences]
    return [Finding("kafka", "done", f"answers on {brokers}"), *(topics or [Finding("topics", "done", "as declared")])]


async def _hubspot(settings: Settings) -> list[Finding]:
    if settings.hubspot_token is None:
        return [Finding("hubspot", "failed", "no token", f"set FRIENDSTREAM_HUBSPOT_TOKEN; scopes: {SCOPES}")]
    async with contacts_api(settings) as hubspot:
        try:
            account = await hubspot.account()
            await hubspot.page(properties=[], limit=1)
        except Unauthorized:
            return [Finding("hubspot", "failed", "the token is refused", "make a new one in HubSpot and set it")]
        except MissingScopes as missing:
            return [Finding("hubspot", "failed", str(missing), f"the token needs {SCOPES}")]
        except (HubSpotTrouble, Refused) as trouble:
            return [Finding("hubspot", "failed", str(trouble), "try again; see FRIENDSTREAM_HUBSPOT_API_URL")]
    return [Finding("hubspot", "done", f"portal {account.portal_id}" if account else "portal not told")]


async def _line(settings: Settings) -> list[Finding]:
    brokers = resolve(settings)
    live = [record for record in (await load(brokers)).values() if record.status != "removed"]
    if not live:
        return [Finding("line", "warning", "no connection yet", "friendstream connections add")]
    async with connector(settings, brokers) as connect:
        return [_said_of(connected.record) for connected in [await connect.check(record) for record in live]]


def _said_of(record: ConnectionRecord) -> Finding:
    name = f"connection {record.number}"
    if record.status == "connected":
        return Finding(name, "done", f"{record.name} is connected")
    said = f"{record.status}{f': {record.reason}' if record.reason else ''}"
    return Finding(name, "failed", said, f"friendstream connections test {record.number}")


def _public_url(settings: Settings) -> Finding:
    if settings.public_url is None:
        return Finding("public URL", "warning", "not set", "set FRIENDSTREAM_PUBLIC_URL, or register the URL by hand")
    host = urlsplit(settings.public_url)
    if host.scheme != "https" and host.hostname not in {"127.0.0.1", "localhost"}:
        return Finding("public URL", "failed", f"{host.scheme} is not taken by LINE", "it must be https")
    return Finding("public URL", "done", settings.public_url)


async def _clock(settings: Settings) -> list[Finding]:
    from clients.line.trouble import date_of  # it brings LINE's SDK along, which takes a second

    async with open_session(settings.ca_file, timeout=5) as session, session.get(settings.line_api_url) as answer:
        theirs = date_of(answer.headers)
    if theirs is None:
        return [Finding("clock", "warning", "LINE sent no date", "")]
    apart = now_ms() - theirs
    if abs(apart) > MAX_CLOCK_MS:
        said = f"{apart / 1000:+.0f} s apart from LINE's"
        return [Finding("clock", "failed", said, "set the clock: a time too far ahead of ours makes events wait")]
    return [Finding("clock", "done", "within 5 s of LINE's")]
