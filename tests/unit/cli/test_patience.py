"""A verb waits for HubSpot's quota and through short trouble, and says what it cannot do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cli import patience
from cli.patience import TRIES, patiently
from clients.hubspot.troubles import MissingScopes, RateLimited, ServerTrouble, Unauthorized
from runtime.refusal import UNAVAILABLE, VENDOR_REFUSED, Refusal


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, in seconds; none is lived through."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(patience.asyncio, "sleep", sleep)
    return pauses


def answering(*answers: Exception | str) -> Callable[[], object]:
    """A call that gives these one after the other."""
    left = list(answers)

    async def call() -> str:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


async def test_the_quota_is_waited_for_as_long_as_hubspot_says_and_no_longer_than_its_window(
    waited: list[float],
) -> None:
    call = answering(RateLimited("SECONDLY", 1.0), RateLimited("DAILY", 40_000.0), ServerTrouble(502), "done")
    assert await patiently(call) == "done"  # type: ignore[arg-type]  # an answer of any type
    assert waited == [1.0, 10.0, 2.0]


async def test_what_never_ends_is_given_up(waited: list[float]) -> None:
    with pytest.raises(Refusal) as refused:
        await patiently(answering(*[ServerTrouble(500) for _ in range(TRIES)]))  # type: ignore[arg-type]
    assert refused.value.exit_code == UNAVAILABLE
    assert len(waited) == TRIES


@pytest.mark.parametrize("trouble", [Unauthorized("no"), MissingScopes(("crm.objects.contacts.write",))])
async def test_what_is_refused_is_told_at_once_with_what_to_do(waited: list[float], trouble: Exception) -> None:
    with pytest.raises(Refusal) as refused:
        await patiently(answering(trouble), next_step="ask for it")  # type: ignore[arg-type]
    assert (refused.value.exit_code, refused.value.next_step, waited) == (VENDOR_REFUSED, "ask for it", [])
