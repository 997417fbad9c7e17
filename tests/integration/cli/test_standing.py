"""How things stand, read from real Kafka."""

import os

from cli.standing import StandingReader
from runtime.appender import Appender
from runtime.process import run_document_path, write_document
from runtime.settings import Settings
from schemas.codec import encode
from schemas.friends import Blocked, FriendState, Sent
from schemas.topics import CHANGES, DEAD_LETTERS, FRIENDS


async def test_an_empty_system_is_idle(topics: Settings) -> None:
    async with StandingReader(topics, topics.kafka) as reader:
        standing = await reader.read()
    assert standing.idle
    assert not standing.ready
    assert set(standing.lag.values()) == {0}


async def test_outstanding_lag_blocked_and_dead_are_counted(topics: Settings) -> None:
    appender = Appender(topics.kafka, client_id="test")
    try:
        async with StandingReader(topics, topics.kafka) as reader:
            await reader.read()
            waiting = FriendState(friend="U1", revision=1, sent=Sent(revision=1, digest="d", at=1))
            stuck = FriendState(friend="U2", revision=1, blocked=Blocked(digest="d", code="INVALID_EMAIL", at=1))
            await appender.append(FRIENDS.name, 0, [(b"U1", encode(waiting), []), (b"U2", encode(stuck), [])])
            await appender.append(CHANGES.name, 1, [(b"U1", b"{}", [])])
            await appender.append(DEAD_LETTERS.name, 0, [(b"U1", b"?", [])])
            standing = await reader.read()
            assert not standing.idle
            assert (standing.outstanding, standing.blocked, standing.dead_letters) == (1, 1, 1)
            assert standing.blocked_codes == {"INVALID_EMAIL": 1}
            assert standing.lag["friendstream-hubspot"] == 1
            await appender.append(FRIENDS.name, 0, [(b"U1", encode(FriendState(friend="U1", revision=2)), [])])
            assert (await reader.read()).outstanding == 0
    finally:
        await appender.stop()


async def test_what_is_in_the_spool_is_not_idle_whether_the_ingress_tells_or_the_disk_shows_it(
    topics: Settings,
) -> None:
    document = run_document_path(topics, "ingress")
    segment = topics.data_dir / "spool" / "000000000001.log"
    async with StandingReader(topics, topics.kafka) as reader:
        write_document(document, {"role": "ingress", "pid": os.getpid(), "ready": True, "spool_bytes": 7})
        told = await reader.read()
        assert (told.idle, told.spool_bytes, told.roles["ingress"].spool_bytes) == (False, 7, 7)
        document.unlink()
        segment.parent.mkdir()
        segment.write_bytes(b"sealed")
        (segment.parent / "position").write_bytes(bytes(100))
        shown = await reader.read()
        assert (shown.idle, shown.spool_bytes) == (False, 6)
        segment.unlink()
        assert (await reader.read()).idle
