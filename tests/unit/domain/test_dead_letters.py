"""Letters and what became of them, folded from the topic."""

import pytest

from domain.dead_letters import Filter, LetterBook, Place, counts, letter_sentences, read_place
from schemas.dead_letters import dead_letter_headers, settlement_headers

AT = 1_732_250_000_000
FRIEND = b"U" + b"8e" * 16


def headers(**given):
    fields = {
        "topic": "line.events.v1",
        "partition": 3,
        "offset": 99,
        "at": AT,
        "stage": "fold",
        "reason": "unreadable",
    }
    return dead_letter_headers([("ce_id", b"01J"), ("dl_reason", b"older")], **(fields | given))


@pytest.fixture
def book() -> LetterBook:
    made = LetterBook()
    made.note(Place(3, 10), FRIEND, 7, headers(), 5)
    made.note(Place(3, 11), b"connection:1", 900, headers(stage="ingress", reason="not_a_webhook", at=AT + 1), 5)
    made.note(Place(3, 12), FRIEND, 0, settlement_headers(3, 10, outcome="replayed", at=AT + 2), 5)
    return made


def test_a_settlement_is_no_letter_and_takes_its_letter_out_of_the_count(book: LetterBook) -> None:
    assert [letter.place for letter in book.all()] == [(3, 11), (3, 10)], "newest first"
    assert book.open == 1
    settled = book.get(Place(3, 10))
    assert settled is not None
    assert settled.settled is not None
    assert (settled.settled.outcome, settled.settled.at) == ("replayed", AT + 2)
    assert (settled.topic, settled.origin_partition, settled.origin_offset) == ("line.events.v1", 3, 99)
    assert (settled.stage, settled.reason) == ("fold", "unreadable"), "headers of an earlier death are replaced"


def test_the_first_settlement_counts_and_one_of_nothing_is_nothing(book: LetterBook) -> None:
    book.note(Place(3, 13), FRIEND, 0, settlement_headers(3, 10, outcome="dropped", at=AT + 3), 5)
    book.note(Place(3, 14), FRIEND, 0, settlement_headers(7, 7, outcome="dropped", at=AT + 3), 5)
    book.note(Place(3, 15), FRIEND, 0, [("dl_settled", b"3@11"), ("dl_outcome", b"eaten")], 5)
    book.note(Place(3, 16), FRIEND, 0, [("dl_settled", b"everything")], 5)
    assert book.open == 1
    assert [letter.settled and letter.settled.outcome for letter in book.all()] == [None, "replayed"]


def test_a_record_that_says_nothing_of_itself_is_a_letter_of_unknown_origin() -> None:
    book = LetterBook()
    book.note(Place(0, 0), None, 3, [("foreign", None), ("dl_partition", b"x")], AT)
    [letter] = book.all()
    assert (letter.topic, letter.stage, letter.reason, letter.origin_partition) == ("unknown", "unknown", "unknown", -1)
    assert letter.at == AT


def test_what_retention_removed_is_forgotten(book: LetterBook) -> None:
    book.forget_before({3: 11})
    assert [letter.place for letter in book.all()] == [(3, 11)]


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        (Filter(), ["3@11"]),
        (Filter(settled=True), ["3@11", "3@10"]),
        (Filter(stage="ingress"), ["3@11"]),
        (Filter(reason="unreadable", settled=True), ["3@10"]),
        (Filter(topic="line.results.v1", settled=True), []),
        (Filter(since=AT + 1, settled=True), ["3@11"]),
        (Filter(friend=FRIEND.decode(), settled=True), ["3@10"]),
    ],
)
def test_filters(book: LetterBook, wanted: Filter, places: list[str]) -> None:
    assert [str(letter.place) for letter in book.all() if wanted.takes(letter)] == places


def test_letters_are_counted_by_stage_and_reason(book: LetterBook) -> None:
    assert counts(book.all()) == {"fold/unreadable": 1, "ingress/not_a_webhook": 1}


@pytest.mark.parametrize("text", ["", "3", "@", "3@", "@3", "-1@2", "1@2@3", "a@b", "1 @2", "٣@1", "1@" + "9" * 50])
def test_what_is_no_place(text: str) -> None:
    assert read_place(text) is None


def test_a_place_reads_as_it_is_written() -> None:
    assert read_place(str(Place(3, 12))) == Place(3, 12)


def test_why_mentions_a_letter_and_what_became_of_it(book: LetterBook) -> None:
    texts = [sentence.text for sentence in letter_sentences(book.all())]
    assert texts == [
        (
            "A record of line.events.v1 could not be processed by the ingress: it is no LINE webhook. It is kept: "
            "`friendstream deadletters show 3@11`."
        ),
        (
            "A record of line.events.v1 could not be processed by the fold: its bytes are no such record. "
            "Its dead letter was replayed (04:33)."
        ),
    ]
