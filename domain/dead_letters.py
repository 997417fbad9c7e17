"""What lies in dead.letters.v1: letters, and what became of them.

Law: a record with `dl_settled` says what became of a letter and is none; every other record is a letter, also one whose
headers do not say where it came from. The first settlement of a letter counts. Of a value only its size is kept here;
the key may be a person's id, and is masked by whoever shows it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, get_args

from domain.explain import Sentence, Show, time_of_day
from domain.masking import masked_key
from schemas.codec import Record
from schemas.dead_letters import Outcome, ReasonCode

UNKNOWN = "unknown"
_STAGES = {"ingress": "the ingress", "fold": "the fold", "hubspot": "the HubSpot sink", "line": "the LINE sink"}
_REASONS: Mapping[str, str] = {
    "unreadable": "its bytes are no such record",
    "key_mismatch": "its key is not the friend it speaks about",
    "wrong_destination": "it is a webhook of another account",
    "not_a_webhook": "it is no LINE webhook",
    "implausible_time": "no time in it can be true",
    "fold_failed": "the fold failed at it",
    "too_large": "it is too large",
}
assert set(_REASONS) == set(get_args(ReasonCode))
_BECAME = {"replayed": "replayed", "resynced": "settled by a resync", "dropped": "dropped"}


class Place(NamedTuple):
    """Where a letter lies in dead.letters.v1."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}"


class Settlement(Record, frozen=True, kw_only=True):
    """What became of a letter, at `at` (ms)."""

    outcome: Outcome
    at: int


class Letter(Record, frozen=True, kw_only=True):
    """One letter: its place, the record it was (`origin_offset` -1: it was never in the topic), and why it is dead."""

    place: Place
    key: bytes | None
    size: int
    topic: str
    origin_partition: int
    origin_offset: int
    at: int
    stage: str
    reason: str
    where: str | None = None
    settled: Settlement | None = None


class Listed(Record, frozen=True, kw_only=True):
    """What a listing says of a letter, times in ms: no content, and no whole user id."""

    letter: str
    at: int
    stage: str
    reason: str
    where: str | None = None
    topic: str
    partition: int
    offset: int
    key: str
    bytes: int
    became: Outcome | None = None
    became_at: int | None = None


class Filter(Record, frozen=True, kw_only=True):
    """Which letters are wanted; `since` in ms, `settled` = those that something became of, too."""

    stage: str | None = None
    reason: str | None = None
    topic: str | None = None
    since: int | None = None
    friend: str | None = None
    settled: bool = False

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is wanted."""
        return (
            (self.settled or letter.settled is None)
            and self.stage in (None, letter.stage)
            and self.reason in (None, letter.reason)
            and self.topic in (None, letter.topic)
            and (self.since is None or letter.at >= self.since)
            and (self.friend is None or letter.key == self.friend.encode())
        )


def read_place(text: str) -> Place | None:
    """`3@12` as a place; None where it is none."""
    partition, separator, offset = text.partition("@")
    if not (separator and partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
        return None
    return Place(int(partition), int(offset)) if len(text) <= 40 else None


class LetterBook:
    """The topic folded: note its records in the order of each partition."""

    def __init__(self) -> None:
        self._letters: dict[Place, Letter] = {}
        self._settled: dict[Place, Settlement] = {}

    def note(
        self,
        place: Place,
        key: bytes | None,
        size: int,
        headers: Iterable[tuple[str, bytes | None]],
        timestamp: int,
    ) -> None:
        """Take one record in; `timestamp` is Kafka's (ms), for records that say nothing of themselves."""
        given = {name: (value or b"").decode("utf-8", "replace") for name, value in headers if name.startswith("dl_")}
        if "dl_settled" in given:
            self._settle(given, timestamp)
            return
        self._letters[place] = Letter(
            place=place,
            key=key,
            size=size,
            topic=given.get("dl_topic", UNKNOWN),
            origin_partition=_number(given.get("dl_partition"), -1),
            origin_offset=_number(given.get("dl_offset"), -1),
            at=_number(given.get("dl_at"), timestamp),
            stage=given.get("dl_stage", UNKNOWN),
            reason=given.get("dl_reason", UNKNOWN),
            where=given.get("dl_where"),
        )

    def forget_before(self, begins: Mapping[int, int]) -> None:
        """Retention has removed what lies before these offsets, by partition."""
        for place in [place for place in self._letters if place.offset < begins.get(place.partition, 0)]:
            del self._letters[place]
            self._settled.pop(place, None)

    def all(self) -> list[Letter]:
        """Every letter with what became of it, newest first."""
        letters = [self._with_settlement(letter) for letter in self._letters.values()]
        return sorted(letters, key=lambda letter: (letter.at, letter.place), reverse=True)

    def get(self, place: Place) -> Letter | None:
        """The letter that lies there."""
        letter = self._letters.get(place)
        return None if letter is None else self._with_settlement(letter)

    @property
    def open(self) -> int:
        """How many letters nothing became of."""
        return sum(place not in self._settled for place in self._letters)

    def _settle(self, given: Mapping[str, str], timestamp: int) -> None:
        place, outcome = read_place(given["dl_settled"]), given.get("dl_outcome")
        if place is None or place in self._settled:
            return
        for known in get_args(Outcome):
            if outcome == known:
                self._settled[place] = Settlement(outcome=known, at=_number(given.get("dl_at"), timestamp))

    def _with_settlement(self, letter: Letter) -> Letter:
        settled = self._settled.get(letter.place)
        if settled is None:
            return letter
        return Letter(**{name: getattr(letter, name) for name in letter.__struct_fields__} | {"settled": settled})


def listed(letter: Letter) -> Listed:
    """The letter as a listing shows it."""
    settled = letter.settled
    return Listed(
        letter=str(letter.place),
        at=letter.at,
        stage=letter.stage,
        reason=letter.reason,
        where=letter.where,
        topic=letter.topic,
        partition=letter.origin_partition,
        offset=letter.origin_offset,
        key=masked_key(letter.key),
        bytes=letter.size,
        became=None if settled is None else settled.outcome,
        became_at=None if settled is None else settled.at,
    )


def counts(letters: Iterable[Letter]) -> dict[str, int]:
    """How many letters of each stage and reason: `fold/unreadable` -> 3."""
    return dict(Counter(f"{letter.stage}/{letter.reason}" for letter in letters).most_common())


def letter_sentences(letters: Iterable[Letter], *, show: Show = time_of_day) -> list[Sentence]:
    """For `why`: what of a friend's records nobody could process, and what became of each."""
    return [
        Sentence(
            at=letter.at,
            text=_told(letter, show),
            decision="dead_letter",
            topic=letter.topic,
            partition=letter.origin_partition,
            offset=letter.origin_offset,
        )
        for letter in letters
    ]


def reason_in_words(reason: str) -> str:
    """Why a letter is dead, for a sentence."""
    return _REASONS.get(reason, reason)


def _told(letter: Letter, show: Show) -> str:
    who = _STAGES.get(letter.stage, letter.stage)
    what = f"A record of {letter.topic} could not be processed by {who}: {reason_in_words(letter.reason)}"
    if letter.settled is not None:
        return f"{what}. Its dead letter was {_BECAME[letter.settled.outcome]} ({show(letter.settled.at)})."
    return f"{what}. It is kept: `friendstream deadletters show {letter.place}`."


def _number(text: str | None, otherwise: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return otherwise
