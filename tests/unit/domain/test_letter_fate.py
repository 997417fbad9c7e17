"""What a replay would do, for each topic and reason."""

import msgspec
import pytest

from domain.dead_letters import Letter, Place, Settlement
from domain.letter_fate import fate_of
from schemas.codec import encode
from schemas.friends import FriendState, Sent
from schemas.requests import MessageRequest, Request
from schemas.topics import ALL, CHANGES, EVENTS, OUTCOMES, REQUESTS, RESULTS
from tests.unit.domain.world import Friend, U, answer_to, event, message, profile, sight

NOW = 1_732_300_000_000
KNOWN = FriendState(friend=U, revision=1)


def letter(topic: str = EVENTS.name, **given) -> Letter:
    fields = {
        "place": Place(3, 12), "key": U.encode(), "size": 1, "topic": topic, "origin_partition": 3, "origin_offset": 99,
        "at": NOW - 1, "stage": "fold", "reason": "fold_failed",
    }  # fmt: skip
    return Letter(**(fields | given))


def fate(value: bytes | None, row: FriendState | None = KNOWN, **given) -> tuple[str, str | None]:
    found = fate_of(letter(**given), value, row, now=NOW)
    return found.action, found.code


def test_an_event_goes_back_and_one_that_is_as_it_was_is_said_to_die_again() -> None:
    assert fate(encode(message(1))) == ("put_back", None)
    assert fate(encode(event("follow", 1)), row=None) == ("put_back", None)
    assert fate(b"{", reason="unreadable") == ("put_back", "unreadable")
    absurd = msgspec.structs.replace(message(1), event={**message(1).event, "timestamp": 1, "webhookEventId": "x"})
    assert fate(encode(absurd), reason="implausible_time") == ("put_back", "implausible_time")


def test_a_record_under_a_foreign_key_is_explained_and_left() -> None:
    assert fate(encode(message(1)), key=b"somebody", reason="key_mismatch") == ("refused", "key_mismatch")
    assert fate(encode(profile(1)), topic=RESULTS.name, key=None) == ("refused", "key_mismatch")


def test_a_result_goes_back() -> None:
    assert fate(encode(profile(1)), topic=RESULTS.name) == ("put_back", None)


@pytest.mark.parametrize("value", [b"{", b"{}", encode(KNOWN), None])
def test_an_old_change_is_never_sent_again(value: bytes | None) -> None:
    """Whatever its bytes are: the friend is settled anew from the state, and without a state nothing is done."""
    assert fate(value, topic=CHANGES.name, stage="hubspot") == ("settle_anew", None)
    assert fate(value, row=None, topic=CHANGES.name, stage="hubspot") == ("refused", "no_state")


def test_an_outcome_goes_back_only_while_it_answers_the_open_change() -> None:
    friend = Friend()
    [change] = friend.take(message(1)).changes
    answer = encode(answer_to(change, "created", contact="901"))
    assert friend.state is not None
    assert friend.state.sent is not None
    assert fate(answer, row=friend.state, topic=OUTCOMES.name) == ("put_back", None)
    later = msgspec.structs.replace(friend.state, sent=Sent(revision=9, digest="other", at=1))
    assert fate(answer, row=later, topic=OUTCOMES.name) == ("settle_anew", None)
    assert fate(answer, row=KNOWN, topic=OUTCOMES.name) == ("settle_anew", None)
    assert fate(answer, row=None, topic=OUTCOMES.name) == ("refused", "no_state")
    assert fate(encode(sight("archived", "901")), row=friend.state, topic=OUTCOMES.name) == ("settle_anew", None)
    assert fate(b"{", row=friend.state, topic=OUTCOMES.name) == ("settle_anew", None)


def test_a_message_to_a_person_goes_only_while_it_still_counts() -> None:
    def request(not_after: int | None) -> bytes:
        sent = MessageRequest(kind="push", messages=(), clears_unanswered=True, not_after=not_after)
        return encode(
            Request(id="r", kind="message", friend=U, connection=1, requested_at=1, cause="desk:1", message=sent)
        )

    assert fate(request(NOW + 1), topic=REQUESTS.name, stage="line") == ("put_back", None)
    for not_after in (None, NOW):
        assert fate(request(not_after), topic=REQUESTS.name, stage="line") == ("refused", "too_late")
    asked = Request(id="r", kind="profile", friend=U, connection=1, requested_at=1, cause="01J")
    assert fate(encode(asked), topic=REQUESTS.name, stage="line") == ("put_back", None)


@pytest.mark.parametrize(
    "topic",
    [*sorted({one.name for one in ALL} - {t.name for t in (EVENTS, REQUESTS, RESULTS, OUTCOMES, CHANGES)}), "x"],
)
def test_what_only_its_owner_writes_is_never_written(topic: str) -> None:
    assert fate(b"{}", topic=topic) == ("refused", "protected")


def test_what_cannot_be_replayed_says_why() -> None:
    assert fate(None, reason="too_large") == ("refused", "no_value")
    assert fate(b"{}", topic="unknown") == ("refused", "no_origin")
    done = Settlement(outcome="dropped", at=1)
    assert fate(encode(message(1)), settled=done) == ("refused", "settled")


def test_nothing_of_before_an_erasure_goes_back() -> None:
    erased = FriendState(friend=U, revision=3, erased_at=NOW)
    assert fate(encode(message(1)), row=erased) == ("refused", "erased")
    assert fate(encode(message(1)), row=erased, at=NOW + 1) == ("put_back", None)


def test_a_webhook_is_read_again_whatever_it_is() -> None:
    assert fate(b"?", stage="ingress", reason="not_a_webhook", key=b"connection:1") == ("read_again", None)
