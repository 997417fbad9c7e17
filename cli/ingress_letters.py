"""Letters of the ingress: webhooks that LINE signed and nobody could make events of, read once more.

Law: the body was verified before it was kept, and the ingress lets only a `VerifiedWebhook` through; so it is signed
here with the connection's own secret, which only who holds the sealing key can do. What would be the same letter again
is refused, and nothing of its webhook is appended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from domain.dead_letters import Letter, reason_in_words
from domain.letter_fate import Fate, refused
from ingress.connections import DEAF
from ingress.records import KafkaRecord, RecordMaker
from ingress.webhook import RawWebhook, Signer, VerifiedWebhook
from registry.secrets import live_secrets
from runtime.sealing import NotOpened, SealingKey
from schemas.connections import ConnectionRecord
from schemas.topics import DEAD_LETTERS

_CONNECTION = re.compile(rb"connection:(\d{1,9})")


class IngressLetters:
    """Reads letters with the connections' secrets as of `now` (ms); `partitions` = those of the topics."""

    def __init__(
        self, connections: Mapping[int, ConnectionRecord], key: SealingKey, *, partitions: int, now: int
    ) -> None:
        self._connections = connections
        self._key = key
        self._maker = RecordMaker(partitions)
        self._now = now

    def read(self, letter: Letter, value: bytes | None) -> list[KafkaRecord] | Fate:
        """The records that follow from the letter now, or why none may."""
        found = _CONNECTION.fullmatch(letter.key or b"")
        record = self._connections.get(int(found[1])) if found else None
        if record is None or value is None:
            return refused("no_connection", "nothing says which connection's webhook it is")
        if record.status in DEAF:
            return refused("connection_removed", f"connection {record.number} is {record.status}")
        try:
            secrets = live_secrets(record, self._key, self._now)
        except NotOpened:
            return refused("sealed", "the connection's secret was sealed with another FRIENDSTREAM_SECRET_KEY")
        if not secrets:
            return refused("sealed", "the connection has no secret now")
        signer = Signer(secrets[0])
        for body in _bodies(letter, value):
            raw = RawWebhook(record.number, letter.at, body, signer.sign(body).decode())
            harvest = self._maker.harvest(VerifiedWebhook(raw, [signer]), record.bot_user_id)
            again = any(one.topic == DEAD_LETTERS.name and one.value == value for one in harvest.records)
            if harvest.records and not again:
                return harvest.records
        return refused(letter.reason, f"it would be the same letter again: {reason_in_words(letter.reason)}")


def _bodies(letter: Letter, value: bytes) -> list[bytes]:
    """The webhooks that the kept bytes may be: a whole body, or one member of its list of events."""
    member = b'{"events":[%b]}' % value
    return [value, member] if letter.reason == "unreadable" else [value]
