"""Why and why not, in sentences."""

import pytest

from domain.explain import sentences, that_count
from schemas.codec import encode
from schemas.outcomes import HubSpotRequest, Outcome
from tests.unit.domain.world import T0, Friend, U, answer_to, coded, event, message, order, profile, reply, sight

MINUTE = 60_000
DELETED = "Not re-created: deleted in HubSpot (seen 10:02); since then only"
AGAIN = "A message or a new follow would create it again."
FIRST = "A message, a follow or another act of the friend would create it."


class Told(Friend):
    """A friend whose outcomes are kept, with a clock that a test can read: turn n happens at 10:0n."""

    def __init__(self, friend_id: str = U) -> None:
        super().__init__(id=friend_id, now=1_732_269_600_000 - 1)
        self.outcomes: list[Outcome] = []

    def take(self, *records):
        made = super().take(*records)
        self.outcomes += [record for record in records if isinstance(record, Outcome)]
        self.now += MINUTE - 1
        return made

    @property
    def texts(self) -> list[str]:
        return [sentence.text for sentence in sentences(self.decisions, self.outcomes, self.changes)]


def test_a_deleted_contact_and_what_would_bring_it_back():
    friend = Told()
    friend.take(message(1))
    friend.answer("created", contact="901", asked=None)
    friend.take(sight("archived", "901"))
    friend.take(event("unfollow", 5))
    friend.take(event("postback", 6))
    assert friend.texts[0] == ("Message on connection 1: sent to HubSpot as revision 1; HubSpot created contact 901.")
    assert friend.texts[2:] == [
        "The sweep saw contact 901 deleted. A message or a new follow would create it again.",
        f"{DELETED} an unfollow (10:03). {AGAIN}",
        f"{DELETED} an unfollow (10:03), a postback (10:04). {AGAIN}",
    ]


def test_a_contact_that_never_came():
    friend = Told()
    friend.take(event("unfollow", 1))
    assert friend.texts == [f"Not created: so far only an unfollow (10:00). {FIRST}"]


def test_what_waited_names_the_change_that_carried_it():
    friend = Told()
    friend.take(message(1))
    friend.take(message(2))
    assert friend.texts[1].endswith("waits for HubSpot's answer to the change before it.")
    friend.answer("created", contact="901", asked=None)
    assert friend.texts[1].endswith("then went with revision 3.")
    assert friend.texts[2] == "HubSpot created contact 901: sent to HubSpot as revision 3; not answered yet."


@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        ("rejected", "INVALID_EMAIL", "HubSpot refused this content before (INVALID_EMAIL)"),
        ("parked", "UNAVAILABLE", "HubSpot could not take this content in five tries (UNAVAILABLE)"),
        ("gone", "nowhere", "neither alive nor in HubSpot's bin"),
    ],
)
def test_what_is_blocked_says_why_and_what_would_lift_it(result, code, words):
    friend = Told()
    friend.take(message(1))
    friend.answer("created", contact="901", asked=None)
    friend.take(message(2))
    friend.answer(result, reason=coded(code))
    assert words in friend.texts[-1]


def test_the_loop_guard_an_erasure_and_an_id_too_long_have_their_sentences():
    friend = Told()
    friend.take(message(1))
    friend.answer("created", contact="901", asked=None)
    for look in range(6):
        friend.take(sight("drifted", "901", at=3_000_000 + 1000 * look))
        if friend.row.sent:
            friend.answer("updated", at=3_000_001 + 1000 * look)
    assert "The sweep saw that contact 901 was edited: written to HubSpot again as revision" in friend.texts[2]
    assert "something else keeps changing this contact" in friend.texts[-1]
    friend.take(order("erase", 5))
    assert friend.texts[-1] == "Order to erase on connection 1: nothing is kept, the friend is erased."
    long = Told("LU" + "a" * 66)
    long.take(message(1, friend=long.id))
    assert "does not fit an email address" in long.texts[-1]


def test_an_outcome_that_is_not_folded_yet_is_told():
    friend = Told()
    friend.take(message(1))
    call = HubSpotRequest(call="batch/create", status=201, trace="t-1")
    outcome = answer_to(friend.changes[0], "created", contact="901", request=call, at=friend.now - T0)
    told = sentences(friend.decisions, [outcome])
    assert told[-1].text == "HubSpot created contact 901; not folded yet."
    assert (told[-1].trace, told[0].trace) == ("t-1", "t-1")


def test_a_sentence_carries_the_ids_to_follow():
    friend = Told()
    friend.take(message(1))
    (sentence,) = sentences(friend.decisions, [], friend.changes)
    assert (sentence.event, sentence.topic) == (message(1).event["webhookEventId"], "line.events.v1")
    assert (sentence.partition, sentence.offset, sentence.connection) == (3, 0, 1)
    assert (sentence.revision, sentence.digest) == (1, friend.changes[0].digest)
    assert b"null" not in encode(sentence)


def test_after_a_replay_the_last_decision_that_is_no_duplicate_counts():
    friend = Told()
    friend.take(message(1))
    first = friend.decisions[0]
    item = friend.incoming(answer_to(friend.changes[0], "created", contact="901"))
    friend.fold([item])
    friend.fold([item])
    assert [decision.decision for decision in that_count([*friend.decisions, first])] == ["changed", "settled"]


def test_every_decision_has_a_sentence_that_quotes_nothing():
    friend = Told()
    friend.take(message(1, "secret text"), message(1, "secret text"), event("somethingNew", 2))
    friend.answer("adopted", contact="901", asked=None, shadowed=(1,))
    friend.take(profile(1_000, "secret name"), reply(2_000))
    friend.answer("merged", contact="902", asked="901")
    for result in ("alive", "restored", "merged", "twin", "unanswered", "erased"):
        friend.take(sight(result, "902", revision=99))
    friend.take(message(9))
    assert len(friend.texts) == len(friend.decisions)
    assert all(text[0].isupper() and text.endswith(".") and "secret" not in text for text in friend.texts)


def test_a_long_silence_is_told_by_its_first_acts_and_its_last():
    friend = Told()
    for at in range(1, 8):
        friend.take(event("unfollow", at))
    assert "an unfollow (10:02), 3 more, an unfollow (10:06). A message" in friend.texts[-1]
