"""dead.letters.v1: a record that can never be processed, kept byte for byte.

Law: key, value and headers stay as they were; what we add are headers, and the reason is a code of a closed list,
never text that could quote content. `dl_where` names a place in our code where an exception came from.
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
    return [*((name, value) for name, value in headers if not name.startswith(PREFIX)), *ours]
