"""dead.letters.v1: a record that can never be processed, kept byte for byte.

Law: key, value and headers stay as they were; what we add are headers, and the reason is a code of a closed list,
never text that could quote content. `dl_where` names a place in our code where an exception came from.

A topic cleaned by deletion cannot lose one record, so what became of a letter is another record: a settlement. It has
the letter's key and partition, no value, and the headers `dl_settled` (`<partition>@<offset>` of the letter in
dead.letters.v1), `dl_outcome` and `dl_at`; it has no `dl_reason`, so no one takes it for a letter. The first settlement
of a letter counts. It lies behind its letter, so retention never removes it first.
"""

from collections.abc import Iterable
from typing import Literal

from schemas.cloud_events import Headers

ReasonCode = Literal[
    "unreadable",  # no such record in these bytes
    "key_mismatch",  # the key is not the friend the record speaks about
    "wrong_destination",  # a webhook of another account, signed with this connection's secret
    "not_a_webhook",  # a signed body that is no LINE webhook
    "implausible_time",  # neither the timestamp nor the event id tells a time that can be
    "fold_failed",  # the pure fold raised
    "too_large",  # over the size that the broker takes
]
Stage = Literal["ingress", "fold", "hubspot", "line"]
Outcome = Literal[
    "replayed",  # put back where it came from, or read again: it took the normal way
    "resynced",  # its friend was settled anew instead, for its bytes were old
    "dropped",  # an operator wants to see it no more
]
PREFIX = "dl_"


def dead_letter_headers(
    headers: Iterable[tuple[str, bytes]],
    *,
    topic: str,
    partition: int,
    offset: int,
    at: int,
    stage: Stage,
    reason: ReasonCode,
    where: str | None = None,
) -> Headers:
    """The original headers and ours; a record that was a dead letter before keeps only the newest of ours."""
    ours: Headers = [
        ("dl_topic", topic.encode()),
        ("dl_partition", b"%d" % partition),
        ("dl_offset", b"%d" % offset),
        ("dl_at", b"%d" % at),
        ("dl_stage", stage.encode()),
        ("dl_reason", reason.encode()),
    ]
    if where is not None:
        ours.append(("dl_where", where.encode()))
    return [*original_headers(headers), *ours]


def settlement_headers(partition: int, offset: int, *, outcome: Outcome, at: int) -> Headers:
    """The headers that say what became of the letter at this place of dead.letters.v1, at `at` (ms)."""
    return [
        ("dl_settled", b"%d@%d" % (partition, offset)),
        ("dl_outcome", outcome.encode()),
        ("dl_at", b"%d" % at),
    ]


def original_headers(headers: Iterable[tuple[str, bytes]]) -> Headers:
    """The headers that the record had before it was a dead letter."""
    return [(name, value) for name, value in headers if not name.startswith(PREFIX)]
