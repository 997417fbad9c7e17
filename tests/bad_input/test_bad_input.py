"""Ten thousand broken bodies, validly signed, through the real ingress and the real worker; and broken requests.

None is lost unseen: each event of each body is exactly an event record or a dead letter, and each record that is
folded has a decision or is a dead letter. None crashes a role. None is shown: not in a log, a metric or a listing.
`BAD_INPUT_SEED=7` repeats a run.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
import orjson
import pytest
import pytest_asyncio

from cli.demo_world.world import World
from devkit.line.signature import sign
from runtime.log_reader import committed, end_offsets, read_log
from schemas import topics
from schemas.decisions import read_decision
from tests.bad_input.grammar import SECRET_WORD, Body, bodies

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]

COUNT = 10_000
AT_ONCE = 16
MOST_TRIES = 8
SEED = int(os.environ.get("BAD_INPUT_SEED", "20261122"))
MARK = re.compile(rb"<(\d+-\d+)=\1>")
ROLES = ("ingress", "fold", "hubspot", "line")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("bad-input"), settings={"partitions": 4}) as made:
        await made.start()
        await made.connect()
        yield made


class Door:
    """The ingress of the world."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self.url = world.shop.endpoint or ""
        self.secret = world.shop.channel_secret
        self.session = session

    async def post(self, body: bytes, **headers: str) -> int:
        given = {"X-Line-Signature": sign(self.secret, body), "Content-Type": "application/json; charset=utf-8"}
        async with self.session.post(self.url, data=body, headers=given | headers) as answer:
            return answer.status

    async def raw(self, request: bytes, *more: bytes, pause: float = 0.0) -> tuple[bytes, float]:
        """Bytes on a bare connection; the first line of the answer (nothing: hung up) and the seconds until it."""
        host, port = self.url.split("//")[1].split("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        began = time.monotonic()
        try:
            writer.write(request)
            for part in more:
                await asyncio.sleep(pause)
                writer.write(part)
            return await asyncio.wait_for(reader.readline(), 10), time.monotonic() - began
        except ConnectionError:
            return b"", time.monotonic() - began
        finally:
            writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(world: World) -> AsyncIterator[Door]:
    async with aiohttp.ClientSession() as session:
        yield Door(world, session)


@dataclass
class Found:
    """What the topics hold: marks in events, values of the ingress's letters, and what the fold made of the events."""

    events: Counter[str] = field(default_factory=Counter)
    letters: Counter[bytes] = field(default_factory=Counter)
    places: set[tuple[int, int]] = field(default_factory=set)
    decided: set[tuple[int, int]] = field(default_factory=set)

    @property
    def marks_in_letters(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for value, count in self.letters.items():
            found.update(dict.fromkeys(set(_marks(value)), count))
        return found


def _marks(value: bytes) -> list[str]:
    return [mark.decode() for mark in MARK.findall(value)]


async def look(brokers: str) -> Found:
    found = Found()
    async for record in read_log(brokers, topics.EVENTS.name):
        found.places.add((record.partition, record.offset))
        event = json.loads(record.value)["event"]
        marks = _marks(f"{event.get('mark')}{event.get('again')}".encode())
        found.events.update(set(marks))
    async for record in read_log(brokers, topics.DEAD_LETTERS.name):
        headers = dict(record.headers)
        if headers["dl_stage"] == b"ingress":
            found.letters[record.value or b""] += 1
        elif headers["dl_topic"] == topics.EVENTS.name.encode():
            found.decided.add((int(headers["dl_partition"]), int(headers["dl_offset"])))
    async for record in read_log(brokers, topics.DECISIONS.name):
        cause = read_decision(record.value).cause
        if cause.topic == topics.EVENTS.name:
            found.decided.add((cause.partition, cause.offset))
    return found


def wrong_fates(sent: Sequence[Body], tries: Mapping[int, int], found: Found) -> list[str]:
    """Each body whose events did not become what they must, as a sentence; the oracle reads no JSON of theirs."""
    in_letters = found.marks_in_letters
    wrong: list[str] = []
    least: Counter[bytes] = Counter()  # letters that hold no mark, told by their bytes alone
    most: Counter[bytes] = Counter()
    for body in sent:
        bare = [body.raw] if body.whole else [member.raw for member in body.members if member.mark is None]
        least.update(bare)
        most.update(bare * tries[body.number])
        if body.loose:
            marks = [f"{body.number}-{place}" for place in range(6)]
            if not found.letters[body.raw] and not any(found.events[mark] or in_letters[mark] for mark in marks):
                wrong.append(f"{body.number}: nothing came of a body that was damaged")
        for member in body.members:
            events, letters = found.events[member.mark or ""], in_letters[member.mark or ""]
            allowed = range(1, tries[body.number] + 1)
            right = {"event": events in allowed and not letters, "letter": letters in allowed and not events}
            if member.mark is not None and not right.get(member.fate, any(right.values())):
                wrong.append(f"{member.mark}: {events} events and {letters} letters, not {member.fate}")
    return wrong + [
        f"{found.letters[raw]} letters are {raw[:60]!r}, not {count}"
        for raw, count in least.items()
        if not count <= found.letters[raw] <= most[raw]
    ]


async def test_ten_thousand_broken_bodies(world: World, door: Door) -> None:
    pids = {role: world.pid_of(role) for role in ROLES}
    sent = list(bodies(COUNT, SEED, world.shop.bot_user_id))
    waiting = iter(sent)
    answers: Counter[int] = Counter()
    tries: dict[int, int] = {}

    async def send() -> None:
        for body in waiting:
            tries[body.number] = 1
            while (status := await door.post(body.raw)) == 503 and tries[body.number] < MOST_TRIES:
                tries[body.number] += 1  # a busy machine: what is answered 503 is sent again, and may be there twice
            answers[status] += 1

    await asyncio.gather(*[send() for _ in range(AT_ONCE)])
    print(f"BAD_INPUT_SEED={SEED}: {sum(tries.values())} requests for {COUNT} bodies")
    assert answers == {200: COUNT}

    brokers = str(world.up.ready["kafka"])
    await folded(brokers)
    found = await look(brokers)
    wrong = wrong_fates(sent, tries, found)
    assert wrong == [], f"seed {SEED}: {len(wrong)} of {COUNT}: {wrong[:10]}"
    assert found.places - found.decided == set()
    assert {role: world.pid_of(role) for role in ROLES} == pids, "a role was started again"
    print(f"{len(found.places)} events, {found.letters.total()} letters of {COUNT} bodies")


async def folded(brokers: str) -> None:
    """The fold has committed every event."""
    for _ in range(600):
        ends = await end_offsets(brokers, topics.EVENTS.name)
        done = {
            tp.partition: at
            for tp, at in (await committed(brokers, topics.FOLD_GROUP)).items()
            if tp.topic == topics.EVENTS.name
        }
        if all(done.get(partition, 0) >= end for partition, end in ends.items()):
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"the fold stands at {done} of {ends}")


async def test_nothing_of_them_is_shown(world: World) -> None:
    """Not in the logs of the roles, not in their metrics, not in the status, not in the list of dead letters."""
    shown: dict[str, str] = {"log": world.up.log.read_text(errors="replace")}
    async with aiohttp.ClientSession() as session:
        for role in ROLES:
            document = orjson.loads((world.data_dir / "run" / f"{role}.json").read_bytes())
            async with session.get(f"{document['url']}/metrics") as answer:
                shown[f"{role} metrics"] = await answer.text()
        async with session.get(f"{world.up.ready['web']}/api/v1/status") as answer:
            shown["web status"] = await answer.text()
    for verb in (["deadletters", "list", "--limit", "5000"], ["deadletters", "list", "--json"], ["status", "--json"]):
        said = await world.verb(*verb, accept=None)
        shown[" ".join(verb)] = said.out + said.err
    for place, text in shown.items():
        assert SECRET_WORD not in text, place
        assert re.search(r"(?<![0-9A-Za-z])[UCR][0-9a-f]{32}(?![0-9a-f])", text) is None, place
    assert "Traceback" not in shown["log"]
    assert "unreadable" in shown["deadletters list --limit 5000"]


@pytest.mark.parametrize(
    "signature",
    ["", " ", "=", "a" * 44, "A" * 43 + "=", "x" * 8000, "\u00e9" * 44, "sha256=abc", "null", "../../etc/passwd"],
)
async def test_a_signature_that_is_none_is_401(door: Door, signature: str) -> None:
    body = b'{"events":[]}'
    assert await door.post(body, **{"X-Line-Signature": signature}) == 401


async def test_a_signature_that_is_nearly_right_is_401(door: Door) -> None:
    body = b'{"events":[]}'
    right = sign(door.secret, body)
    near = [right.lower(), right[:-1], right + "=", right.rstrip("="), right[::-1], f"{right},{right}", right * 2]
    assert {await door.post(body, **{"X-Line-Signature": text}) for text in near} == {401}
    assert await door.post(body, **{"X-Line-Signature": right}) == 200


async def test_an_oversized_body_is_413_whatever_it_says_of_its_length(door: Door) -> None:
    large = b'{"events":[]}' + b" " * (2 * 1024 * 1024)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 100_000):
            yield large[start : start + 100_000]

    assert await door.post(large) == 413
    headers = {"X-Line-Signature": sign(door.secret, large)}
    async with door.session.post(door.url, data=chunks(), headers=headers) as answer:
        assert answer.status == 413


async def test_a_chunked_body_is_taken(door: Door) -> None:
    body = b'{"events":[]}'

    async def bytewise() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])

    headers = {"X-Line-Signature": sign(door.secret, body)}
    async with door.session.post(door.url, data=bytewise(), headers=headers) as answer:
        assert answer.status == 200


async def test_a_slow_body_is_answered_within_the_deadline(door: Door) -> None:
    """A byte now and then: 503 after 1.2 s, for LINE hangs up after 2."""
    head = b"POST /line/1 HTTP/1.1\r\nHost: x\r\nX-Line-Signature: y\r\nContent-Length: 1000\r\n\r\n"
    line, seconds = await door.raw(head, b"{", b'"', b"e", b"v", pause=0.2)
    assert line.startswith(b"HTTP/1.1 503")
    assert seconds < 2.0


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /line/1 HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /line/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\nX-Line-Signature: y\r\n\r\n",
        b"POST /line/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /line/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-Line-Signature: y\r\n\r\nzz\r\nhello\r\n",
        b"POST /line/1 HTTP/1.1\r\nX-Line-Signature: y\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /line/99999999999999999999 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"POST /line/%31%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"POST /line/1 HTTP/1.1\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n",
        b"POST /line/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{"
        + f"KANARIENVOGEL {'U' + 'a' * 32}\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300 + b"\r\n\r\n",
        b"GARBAGE\r\n\r\n",
    ],
)
async def test_a_request_that_is_none_is_refused(door: Door, request_: bytes) -> None:
    """A status of 4xx, or nothing and the connection closed; and the next webhook is taken."""
    line, _ = await door.raw(request_)
    assert line == b"" or re.match(rb"HTTP/1\.[01] 4\d\d", line), line
    assert await door.post(b'{"events":[]}') == 200


async def test_no_role_was_started_again_by_any_of_this_and_the_stop_is_clean(world: World) -> None:
    log = world.up.log.read_text(errors="replace")
    assert "ended unasked" not in log
    assert "Traceback" not in log
    assert SECRET_WORD not in log, "a body that goes on behind its length is read as the next request"
    assert await world.up.stop() == 0
