"""Every decision and every code has a sentence that says why, and what would change it."""

from typing import get_args

import pytest

from domain.explain import sentences
from schemas.decisions import Because, Decision, DecisionRecord
from schemas.marks import Cause
from tests.unit.domain.world import T0, U

CAUSE = Cause(id="01J", kind="unfollow", topic="line.events.v1", partition=3, offset=992)


def told(decision: Decision, **because: str) -> str:
    why = Because(**because)  # type: ignore[arg-type]
    made = DecisionRecord(friend=U, connection=1, at=T0, cause=CAUSE, decision=decision, revision=2, because=why)
    [sentence] = sentences([made], [])
    assert (sentence.event, sentence.topic, sentence.partition, sentence.offset) == ("01J", "line.events.v1", 3, 992)
    return sentence.text


@pytest.mark.parametrize("decision", get_args(Decision))
def test_every_decision_is_a_whole_sentence(decision: Decision) -> None:
    text = told(decision)
    assert text.endswith(".")
    assert text[0].isupper()
    assert U not in text


@pytest.mark.parametrize(
    ("decision", "because", "words"),
    [
        ("not_permitted", {"contact": "gone"}, "A message or a new follow would create it again."),
        ("not_permitted", {"contact": "none"}, "Not created: so far only an unfollow"),
        ("not_permitted", {"code": "id_too_long"}, "No contact is possible"),
        ("blocked", {"code": "INVALID_EMAIL"}, "refused this content before (INVALID_EMAIL)"),
        ("blocked", {"code": "parked:TIMED_OUT"}, "could not take this content in five tries (TIMED_OUT)"),
        ("blocked", {"code": "unstable"}, "`friends resync` ends the pause"),
        ("blocked", {"code": "nowhere"}, "The sweep looks again after 24 hours"),
        ("shadowed", {}, "belong to another friend"),
        ("erased", {}, "the friend is erased"),
        ("no_friend", {}, "is about a group or nobody"),
        ("waiting", {}, "waits for HubSpot's answer"),
        ("duplicate", {}, "was folded before"),
        ("older", {}, "as new or newer was known already"),
    ],
)
def test_why_not(decision: Decision, because: dict[str, str], words: str) -> None:
    assert words in told(decision, **because)
