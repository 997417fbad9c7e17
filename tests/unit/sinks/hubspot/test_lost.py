"""When an open change has lost its answer: proved by offsets, never guessed."""

from __future__ import annotations

from aiokafka import TopicPartition

from schemas.topics import CHANGES, OUTCOMES
from sinks.hubspot.lost import LostAnswers

CHANGES_0, OUTCOMES_0 = TopicPartition(CHANGES.name, 0), TopicPartition(OUTCOMES.name, 0)


class Logs:
    """Ends of the logs and what sink and fold have done, to be moved by hand."""

    def __init__(self) -> None:
        self.ends = {CHANGES_0: 10, OUTCOMES_0: 20}
        self.done = {CHANGES_0: 10}
        self.folded = {OUTCOMES_0: 20}

    def answers(self) -> LostAnswers:
        async def end_of(log: TopicPartition) -> int:
            return self.ends[log]

        async def done(log: TopicPartition) -> int:
            return self.done[log]

        async def folded(log: TopicPartition) -> int:
            return self.folded[log]

        return LostAnswers(end_of=end_of, done=done, folded=folded)


async def test_at_rest_every_waiting_row_waits_in_vain() -> None:
    """Sink and fold are at the end: what was written before this look has no answer to come."""
    assert await Logs().answers().before(0, 500) == 500


async def test_what_the_sink_has_not_passed_may_still_be_answered() -> None:
    """The mark stays where it was set, and later rows count from a later one."""
    logs = Logs()
    lost = logs.answers()
    logs.done[CHANGES_0] = 9
    assert await lost.before(0, 500) == 0
    logs.ends[CHANGES_0] = 90
    logs.done[CHANGES_0] = 10
    assert await lost.before(0, 700) == 500
    assert await lost.before(0, 700) == 0, "the sink is not past the 80 that came since"


async def test_what_the_fold_has_not_read_may_still_be_an_answer() -> None:
    """All outcomes that were there when the sink had passed the change must be folded first, later ones need not be."""
    logs = Logs()
    lost = logs.answers()
    logs.folded[OUTCOMES_0] = 19
    assert await lost.before(0, 500) == 0
    logs.ends[OUTCOMES_0] = 1000
    logs.folded[OUTCOMES_0] = 20
    assert await lost.before(0, 700) == 500
